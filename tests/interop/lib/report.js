// One line a check, and the sum at the end.

let passed = 0;
const failures = [];

/** Runs one check; `body` may return a word on what was seen. A failure is thrown on, for what follows depends on it. */
export async function check(name, body) {
  const start = Date.now();
  try {
    const seen = await body();
    passed += 1;
    console.log(`ok   ${name}${typeof seen === 'string' ? `: ${seen}` : ''} (${seconds(start)})`);
  } catch (error) {
    failures.push(name);
    console.log(`FAIL ${name} (${seconds(start)})\n     ${error.message}`);
    error.isReported = true;
    throw error;
  }
}

/** Runs one story of checks; its failure does not keep the next from being told. */
export async function story(name, body) {
  console.log(`\n${name}`);
  try {
    await body();
  } catch (error) {
    if (error.isReported) return;
    failures.push(name);
    console.log(`FAIL ${name}\n     ${error.stack}`);
  }
}

/** Prints the sum; true if all went well. */
export function sum() {
  const failed = failures.map((name) => `\n  failed: ${name}`).join('');
  console.log(`\ninterop: ${passed} checks passed, ${failures.length} failed${failed}`);
  return failures.length === 0 && passed > 0;
}

function seconds(start) {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}
