/** How to build for Linux what is otherwise built for the BSDs and macOS: over declarations and a kernel of our own. */
import { fileURLToPath } from 'node:url'

/** What `fake_kqueue.cc` puts itself in front of. */
const WRAPPED = ['close', 'getsockopt', 'setsockopt', 'recv', 'send', 'sendmsg']

export const asBsd = {
  sources: ['poller_kqueue.cc', 'test/fake_kqueue.cc'],
  compile: ['-DCHORDITE_AS_BSD', `-I${fileURLToPath(new URL('bsd', import.meta.url))}`],
  link: WRAPPED.map((name) => `-Wl,--wrap=${name}`),
}
