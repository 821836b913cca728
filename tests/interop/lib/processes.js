// Everything that is started here is stopped here, however the suite ends.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const kept = new Set();

/** Remembers a child process (or its whole group) until it ends. */
export function keep(child, { group = false } = {}) {
  const entry = { child, group };
  kept.add(entry);
  child.once('close', () => kept.delete(entry));
  return child;
}

/** Ends all that is still running, at once: for the very end, whatever it was. */
export function endAll() {
  for (const { child, group } of kept) {
    try {
      process.kill(group ? -child.pid : child.pid, 'SIGKILL');
    } catch {
      // It had ended.
    }
  }
  kept.clear();
}

/** A TCP port of loopback that is free now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A UDP port of loopback that is free now. */
export function freeUdpPort() {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

/** Asks `question` again and again until it is true: for servers that do not say when they are ready. */
export async function patiently(what, question, within = 30_000) {
  const start = Date.now();
  while (!(await question())) {
    if (Date.now() - start > within) throw new Error(`not within ${within / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
