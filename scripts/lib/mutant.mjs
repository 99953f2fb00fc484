/** A copy of the compiled library in which some lines of the source say something else. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { root, temporaryFolder } from './copy.mjs'

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8'))
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
// A single file does not tell which kind of module its package is made of.
const compilerOptions = { ...options, noEmit: false, module: ts.ModuleKind.ESNext, moduleResolution: undefined }

const all = temporaryFolder('mutants')

/** `edits` are file of `src`, what it says once, what it says instead. Returns the folder; it goes with the process. */
export function mutant(name, edits) {
  const folder = join(all, name)
  mkdirSync(folder)
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [file, text] of edited(edits)) {
    const { outputText } = ts.transpileModule(text, { compilerOptions, fileName: file })
    writeFileSync(join(folder, 'dist', file.replace(/\.ts$/, '.js')), outputText)
  }
  return folder
}

function edited(edits) {
  const texts = new Map()
  for (const [file, find, replace] of edits) {
    const text = texts.get(file) ?? readFileSync(join(root, 'src', file), 'utf8')
    if (text.split(find).length !== 2) throw new Error(`src/${file} does not say once: ${find}`)
    texts.set(
      file,
      text.replace(find, () => replace),
    )
  }
  return texts
}
