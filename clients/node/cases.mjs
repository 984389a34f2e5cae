// The small runner that all JavaScript suites share: `id: ok` or `id: failed REASON` for each case, bounded in time.

export const bootstrap = process.env.BOOTSTRAP
const run = process.env.RUN_ID ?? String(Date.now())

export function topic (suite, name) {
  return `${suite}-${name}-${run}`
}

export function same (got, wanted, what) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)]
  if (a !== b) {
    throw new Error(`${what}: got ${a?.slice(0, 200)}, wanted ${b?.slice(0, 200)}`)
  }
}

/** The call must fail and the text of its failure (and of the failures inside it) must hold the pattern. */
export async function refused (pattern, call) {
  try {
    await call()
  } catch (problem) {
    const all = describe(problem)
    if (!pattern.test(all)) {
      throw new Error(`wanted ${pattern}: ${all.slice(0, 300)}`)
    }
    return
  }
  throw new Error('it was accepted')
}

function describe (problem) {
  const inner = [...(problem.errors ?? []), ...(problem.cause ? [problem.cause] : [])]
  return [problem.name, problem.type, problem.apiId, problem.message, ...inner.map(describe)].join(' ')
}

export async function eventually (what, probe) {
  const end = Date.now() + 10_000
  while (Date.now() < end) {
    if (await probe()) {
      return
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`${what} did not come within 10 s`)
}

export async function main (cases) {
  let failed = 0
  for (const [id, body] of cases) {
    let timer
    const bound = new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('its 40 seconds passed')), 40_000)
    })
    try {
      await Promise.race([body(), bound])
      console.log(`${id}: ok`)
    } catch (problem) {
      failed++
      console.error(problem)
      console.log(`${id}: failed ${describe(problem).replaceAll('\n', ' ').slice(0, 400)}`)
    }
    clearTimeout(timer)
  }
  // Clients may leave sockets and timers behind; everything worth saying is said.
  process.exit(failed ? 1 : 0)
}
