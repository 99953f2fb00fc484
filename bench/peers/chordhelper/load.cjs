/**
 * The original, `chordhelper@1.0.0`, as it is installed in the folder above (or wherever `CHORDHELPER` says), made to run on today's Node.js:
 * it asks for `uuid` and `murmurhash3`, which it does not declare, and the latter is answered by the stand-in beside this file.
 */
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const vm = require('node:vm')

const at = process.env.CHORDHELPER ? createRequire(`${process.env.CHORDHELPER}/x.js`) : require
const file = at.resolve('chordhelper')
const fromThere = createRequire(file)
const need = (name) => (name === 'murmurhash3' ? require('./murmurhash3.cjs') : fromThere(name))

vm.compileFunction(readFileSync(file, 'utf8'), ['exports', 'require'], { filename: file })(module.exports, need)
