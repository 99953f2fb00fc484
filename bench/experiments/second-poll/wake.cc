// Takes the place of Endpoint::wake() in the addon of the experiment.
void Endpoint::wake() {
  static const int kMore = std::atoi(std::getenv("CHORDITE_EXPERIMENT_POLLS"));
  count(COUNT_WAKEUPS);
  collect(true);
  deliver();
  for (int i = 0; i < kMore && open_ && batch_.count() > 0; ++i) {
    collect(true);
    deliver();
  }
}
