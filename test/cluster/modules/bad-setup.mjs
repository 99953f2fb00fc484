export default function setup(_node, { worker }) {
  if (worker === 1) throw new TypeError('worker 1 does not like it')
}
