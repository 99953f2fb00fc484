/**
 * Turns TypeScript into JavaScript that counts: each function, branch, loop body, case and right side of `&&`, `||`, `??`
 * raises a counter of its own, in which libFuzzer sees which way an input went.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const COUNTERS = '__counters'
const options = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  rewriteRelativeImportExtensions: true,
  verbatimModuleSyntax: true,
}

/** Writes `files`, of which those for which `counts` is true count, below `to`; how many counters there are. */
export function instrument(root, files, counts, to) {
  const state = { counters: 1 }
  for (const file of files) {
    const transformers = counts(file) ? { before: [counting(state)] } : {}
    const source = readFileSync(join(root, file), 'utf8')
    const { outputText } = ts.transpileModule(source, { compilerOptions: options, transformers, fileName: file })
    const out = join(to, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(out), { recursive: true })
    writeFileSync(out, outputText)
  }
  return state.counters
}

export function typescriptIn(root, folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
}

function counting(state) {
  return (context) => {
    const f = context.factory
    const raise = () =>
      f.createPostfixIncrement(f.createElementAccessExpression(f.createIdentifier(COUNTERS), state.counters++))
    const statement = () => f.createExpressionStatement(raise())
    const block = (body) => f.createBlock([statement(), ...(ts.isBlock(body) ? body.statements : [body])], true)
    const counted = (expression) => f.createParenthesizedExpression(f.createComma(raise(), expression))

    function visit(node) {
      const seen = ts.visitEachChild(node, visit, context)
      if (ts.isFunctionLike(seen) && seen.body !== undefined) return withBody(seen)
      if (ts.isIfStatement(seen)) {
        const otherwise = seen.elseStatement === undefined ? block(f.createBlock([])) : block(seen.elseStatement)
        return f.updateIfStatement(seen, seen.expression, block(seen.thenStatement), otherwise)
      }
      if (ts.isForStatement(seen)) {
        return f.updateForStatement(seen, seen.initializer, seen.condition, seen.incrementor, block(seen.statement))
      }
      if (ts.isForOfStatement(seen)) {
        return f.updateForOfStatement(
          seen,
          seen.awaitModifier,
          seen.initializer,
          seen.expression,
          block(seen.statement),
        )
      }
      if (ts.isWhileStatement(seen)) return f.updateWhileStatement(seen, seen.expression, block(seen.statement))
      if (ts.isCaseClause(seen)) {
        return f.updateCaseClause(seen, seen.expression, [statement(), ...seen.statements])
      }
      if (ts.isDefaultClause(seen)) return f.updateDefaultClause(seen, [statement(), ...seen.statements])
      if (ts.isCatchClause(seen)) return f.updateCatchClause(seen, seen.variableDeclaration, block(seen.block))
      if (ts.isConditionalExpression(seen)) {
        const [yes, no] = [counted(seen.whenTrue), counted(seen.whenFalse)]
        return f.updateConditionalExpression(seen, seen.condition, seen.questionToken, yes, seen.colonToken, no)
      }
      if (ts.isBinaryExpression(seen) && SHORT.has(seen.operatorToken.kind)) {
        return f.updateBinaryExpression(seen, seen.left, seen.operatorToken, counted(seen.right))
      }
      return seen
    }

    function withBody(node) {
      if (!ts.isBlock(node.body)) {
        const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken, body } = node
        const inner = counted(body)
        return f.updateArrowFunction(node, modifiers, typeParameters, parameters, type, equalsGreaterThanToken, inner)
      }
      // The statements of a body are replaced in place: the kinds of functions differ in everything else.
      const body = block(node.body)
      return ts.visitEachChild(node, (child) => (child === node.body ? body : child), context)
    }

    return (file) => {
      const visited = ts.visitNode(file, visit)
      const name = f.createIdentifier(COUNTERS)
      const value = f.createPropertyAccessExpression(f.createIdentifier('globalThis'), COUNTERS)
      const declaration = f.createVariableDeclaration(name, undefined, undefined, value)
      const list = f.createVariableDeclarationList([declaration], ts.NodeFlags.Const)
      return f.updateSourceFile(visited, [f.createVariableStatement(undefined, list), ...visited.statements])
    }
  }
}

const SHORT = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
])
