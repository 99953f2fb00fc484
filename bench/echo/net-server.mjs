/** The best case of a server on node:net. */
import net from 'node:net'
import { answerFrames } from './net-answer.mjs'

const server = net.createServer({ noDelay: true }, answerFrames)
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
