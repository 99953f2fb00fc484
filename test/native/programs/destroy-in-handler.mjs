/** Many endpoints, destroyed inside a handler under load and dropped. Ends by itself: nothing keeps the loop alive. */
import { startEcho, startLoad } from './common.mjs'

for (let round = 0; round < 20; round++) {
  const { transport, port } = await startEcho()
  await new Promise((resolve) => {
    let replies = 0
    const load = startLoad(port, {
      onReply() {
        if (++replies !== 500) return
        Promise.all([load.destroy(), transport.destroy()]).then(resolve)
      },
    })
  })
  globalThis.gc?.()
}
console.log('done')
