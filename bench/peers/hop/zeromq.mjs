/**
 * zeromq: dealers to one router, no limit to what is queued, sends that never wait (its I/O thread puts what is queued into one
 * write). Replies come in the order of requests, so that they need no number.
 */
import { Dealer, Router } from 'zeromq'

const SETTINGS = { sendHighWaterMark: 0, receiveHighWaterMark: 0, sendTimeout: 0, linger: 0 }

export async function serve() {
  const router = new Router(SETTINGS)
  await router.bind('tcp://127.0.0.1:*')
  answer(router)
  return { endpoint: router.lastEndpoint }
}

async function answer(router) {
  for await (const message of router) router.send(message)
}

export function open({ endpoint }, count) {
  return Array.from({ length: count }, () => {
    const dealer = new Dealer(SETTINGS)
    dealer.connect(endpoint)
    const waiting = []
    let first = 0
    receive()
    return (body, done) => {
      waiting.push(done)
      // It keeps the body, which stays as it is until the reply is there.
      dealer.send(body).catch(done)
    }

    async function receive() {
      for await (const [reply] of dealer) {
        const done = waiting[first]
        waiting[first++] = undefined
        if (first === 1024) {
          waiting.splice(0, first)
          first = 0
        }
        done(reply)
      }
    }
  })
}
