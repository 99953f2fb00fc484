/** A CommonJS module: its exports are the function. */
module.exports = async (node, { worker }) => {
  const { json } = await import('../../../dist/index.js')
  node.handle({ name: 'who', request: json(), reply: json() }, () => ({ worker }))
}
