/** What is tried: in each group the first contestant is what the others are measured against. */
import { compile } from '../lib/compile.mjs'
import { buildAddon } from './lib/addon.mjs'
import { compileProgram } from './lib/program.mjs'

const EVERYWHERE = ['1×128', '16×64', '64×1', '256×4']
const ENDPOINT = 'the endpoint'
/** The same addon once more: what differs between these two is noise. */
const AGAIN = 'the endpoint, again'

const program = (name, source, args = []) => ({ name, command: () => [compileProgram(source), ...args] })
const limit = { name: 'C, epoll', command: () => [compile('echo')] }
const endpoint = (name, addon = () => buildAddon('as-it-is'), env = {}) => ({ name, addon, env })

const replaced = (name, folder) => () =>
  buildAddon(name, { functions: { 'void Endpoint::wake()': { file: 'endpoint_batch.cc', from: `${folder}/wake.cc` } } })
const polls = (count, holdUs = 0) => ({
  CHORDITE_EXPERIMENT_POLLS: String(count),
  CHORDITE_EXPERIMENT_HOLD_US: String(holdUs),
})
const secondPoll = replaced('second-poll', 'second-poll')
const holding = replaced('coalescing', 'coalescing')

const ring = { 'uring.h': 'uring/uring.h' }

const uringPoller = () =>
  buildAddon('uring', { files: { ...ring, 'poller.h': 'uring/poller.h', 'poller_epoll.cc': 'uring/poller_uring.cc' } })

/** What has come was received before anybody asks, as far as an echo needs it. */
const receiving = {
  files: { 'poller.h': 'uring/completing.h', 'poller_epoll.cc': 'uring/poller_completing.cc' },
  texts: [
    ['endpoint_batch.cc', 'recv(connection.fd, place, ', 'poller_.take(connection.token(), place, '],
    ['endpoint_batch.cc', 'share < by_space ? share : by_space, 0)', 'share < by_space ? share : by_space)'],
  ],
}
/** All sends of a flush in one system call, as far as an echo needs it. */
const sending = {
  files: { 'sending.h': 'uring/sending.h' },
  functions: {
    'int64_t send_bytes(int fd, const uint8_t* bytes, uint32_t count)': {
      file: 'connection.cc',
      from: 'uring/send_bytes.cc',
    },
  },
  texts: [
    ['connection.cc', '#include "platform.h"', '#include "platform.h"\n#include "sending.h"'],
    ['endpoint_output.cc', '#include "endpoint.h"', '#include "endpoint.h"\n#include "sending.h"'],
    ['endpoint_output.cc', 'void Endpoint::forget_turn() {', 'void Endpoint::forget_turn() {\n  finish_sends();'],
  ],
}
const completing =
  (name, ...parts) =>
  () =>
    buildAddon(name, {
      files: Object.assign({}, ring, ...parts.map(({ files }) => files)),
      functions: Object.assign({}, ...parts.map(({ functions }) => functions)),
      texts: parts.flatMap(({ texts }) => texts),
    })

const udp = (name, mode) => ({ ...program(name, 'udp/server', [mode]), load: 'udp/load', protocol: mode })

export const experiments = [
  {
    name: 'uring',
    groups: [
      {
        title: 'C programs',
        patterns: EVERYWHERE,
        contestants: [
          limit,
          program('io_uring as a poller', 'uring/echo', ['poll']),
          program('epoll, sends by the dozen', 'uring/calls', ['sends']),
          program('epoll, recvs and sends by the dozen', 'uring/calls', ['both']),
          program('epoll, reads all, then writes', 'coalescing/echo', ['after']),
          program('completions', 'uring/echo', ['recv']),
          program('completions, sockets registered', 'uring/echo', ['recv-fixed']),
          program('completions, under epoll by an eventfd', 'uring/echo', ['recv-eventfd']),
          program('completions, under epoll by the ring', 'uring/echo', ['recv-coop']),
        ],
      },
      {
        title: 'the addon',
        patterns: EVERYWHERE,
        contestants: [
          endpoint(ENDPOINT),
          endpoint(AGAIN),
          endpoint('io_uring as its poller', uringPoller),
          endpoint('sends by the dozen', completing('sending', sending)),
          endpoint('completions', completing('receiving', receiving)),
          endpoint('completions, sends by the dozen', completing('completing', receiving, sending)),
        ],
      },
    ],
  },
  {
    name: 'second-poll',
    groups: [
      {
        title: 'the addon',
        patterns: EVERYWHERE,
        contestants: [
          endpoint(ENDPOINT),
          endpoint(AGAIN),
          endpoint('one more poll', secondPoll, polls(1)),
          endpoint('at most 3 more', secondPoll, polls(3)),
          endpoint('at most 8 more', secondPoll, polls(8)),
        ],
      },
    ],
  },
  {
    name: 'coalescing',
    groups: [
      {
        title: 'C programs',
        patterns: EVERYWHERE,
        contestants: [
          limit,
          program('reads all, then writes', 'coalescing/echo', ['after']),
          program('writes when a poll shows nothing, after 8 at most', 'coalescing/echo', ['hold', '8', '0']),
          program('holds 10 µs', 'coalescing/echo', ['hold', '1000', '10']),
          program('MSG_ZEROCOPY', 'coalescing/echo', ['zerocopy']),
        ],
      },
      {
        title: 'the addon',
        patterns: EVERYWHERE,
        contestants: [
          endpoint(ENDPOINT),
          endpoint(AGAIN),
          endpoint('flush after one more poll', holding, polls(1)),
          endpoint('flush when a poll shows nothing, after 8 at most', holding, polls(8)),
          endpoint('flush after 10 µs of polling', holding, polls(1000, 10)),
          endpoint('flush after 50 µs of polling', holding, polls(1000, 50)),
        ],
      },
    ],
  },
  {
    name: 'udp',
    groups: [
      {
        title: 'C programs',
        patterns: ['64×1', '256×1', '256×4', '16×64'],
        contestants: [
          { ...limit, name: 'TCP: C, epoll' },
          udp('a system call a datagram', 'single'),
          udp('recvmmsg, sendmmsg', 'mmsg'),
          udp('reliable, acknowledged by answers', 'reliable'),
          udp('reliable, each datagram acknowledged by one', 'acknowledged'),
          udp('reliable, GSO and GRO', 'segments'),
        ],
      },
    ],
  },
]
