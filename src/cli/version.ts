export { packageVersion } from '../runtime/version.ts'
