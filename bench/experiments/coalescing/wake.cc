// Takes the place of Endpoint::wake() in the addon of the experiment: replies stay in the transmit ring until a poll
// shows nothing more to read, but for so many more polls, or so many microseconds of polling, at most.
void Endpoint::wake() {
  static const int kMore = std::atoi(std::getenv("CHORDITE_EXPERIMENT_POLLS"));
  static const int64_t kHoldNs = 1000 * std::atoll(std::getenv("CHORDITE_EXPERIMENT_HOLD_US"));
  const auto now_ns = [] {
    timespec time{};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * int64_t{1'000'000'000} + time.tv_nsec;
  };
  count(COUNT_WAKEUPS);
  collect(true);
  const int64_t until_ns = kHoldNs > 0 ? now_ns() + kHoldNs : 0;
  // Frames to pass on lie in the receive ring, which the next batch overwrites, and closed links want the flush.
  for (int i = 0; i < kMore && flushed_.size() == 0 && reported_.size() == 0; ++i) {
    const bool idle = batch_.count() == 0;
    if (idle && (kHoldNs == 0 || now_ns() >= until_ns)) break;
    if (!idle) {
      memory_.control[CONTROL_DESCRIPTORS] = batch_.count();
      memory_.control[CONTROL_RECEIVED] = batch_.used();
      count(COUNT_BATCHES);
      delivering_ = true;
      host_.deliver(host_.self);
      delivering_ = false;
      if (!open_) return;
    }
    collect(true);
  }
  deliver();
}
