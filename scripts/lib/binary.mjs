/** What a compiled addon asks of the machine that it will run on, and whether we promised that (Linux). */
import { spawnSync } from 'node:child_process'

/** README: glibc 2.28 or newer. */
const GLIBC_MINOR_MAX = 28
/** Everything else, the C++ library above all, is linked into it. */
const LIBRARIES = /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux[-\w]*\.so\.\d)$/
const MACHINES = { x64: 'X86-64', arm64: 'AArch64' }

/** `glibc` is the newest of its versions that is asked for, like "2.17". Reads binaries for any processor. */
export function inspect(path) {
  const text = readelf('--wide', '--file-header', '--dynamic', '--version-info', path)
  const minors = all(text, /Name: GLIBC_2\.(\d+)/g).map(Number)
  return {
    machine: /Machine:.*?(X86-64|AArch64)/.exec(text)?.[1],
    libraries: all(text, /\(NEEDED\).*\[(.+)\]/g),
    glibc: minors.length > 0 ? `2.${Math.max(...minors)}` : undefined,
    cxx: all(text, /Name: ((?:GLIBCXX|CXXABI|GCC)_[\d.]+)/g),
  }
}

/** Empty if the binary is as promised. */
export function complaints(path, arch) {
  const { machine, libraries, glibc, cxx } = inspect(path)
  const found = []
  if (machine !== MACHINES[arch]) found.push(`it is for ${machine}, not ${arch}`)
  if (Number(glibc?.split('.')[1]) > GLIBC_MINOR_MAX) found.push(`it needs glibc ${glibc}`)
  for (const library of libraries.filter((name) => !LIBRARIES.test(name))) found.push(`it needs ${library}`)
  for (const version of cxx) found.push(`it needs the C++ runtime's ${version}`)
  return found
}

function readelf(...args) {
  const { status, stdout, stderr, error } = spawnSync('readelf', args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  if (status !== 0) throw error ?? new Error(`readelf: ${stderr}`)
  return stdout
}

function all(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => match[1])
}
