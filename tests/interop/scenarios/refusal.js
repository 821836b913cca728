// INVITEs whose offer offhook cannot use: 488 with a Warning (RFC 3261 §13.3.1.3, §20.43), and nobody is alerted.

import { freeUdpPort } from '../lib/processes.js';
import { check } from '../lib/report.js';

const FINGERPRINT = `a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}\na=setup:actpass`;
const ICE = 'a=ice-ufrag:abcd\na=ice-pwd:0123456789abcdefghijklmn\na=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host';
const KEY = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0';

/** What offhook accepts. Each of the others differs from it in one respect. */
const ACCEPTED = offer('UDP/TLS/RTP/SAVPF', 0, 'PCMU', FINGERPRINT, ICE);

const REFUSED = [
  ['plain RTP', offer('RTP/AVP', 0, 'PCMU'), 302, 'no_common_transport'],
  ['SDES', offer('RTP/SAVP', 0, 'PCMU', KEY), 302, 'no_common_transport'],
  ['DTLS without ICE', offer('UDP/TLS/RTP/SAVPF', 0, 'PCMU', FINGERPRINT), 302, 'no_common_transport'],
  ['no codec but G.729', offer('UDP/TLS/RTP/SAVPF', 18, 'G729', FINGERPRINT, ICE), 305, 'no_common_codec'],
  ['an unreadable description', 'this is no description', 399, 'bad_description'],
];

/** `caller` is sipp, `callee` is offhook and waits with the answer. */
export async function unusableOffers(exchange, caller, callee) {
  await check('the offer that the others are derived from alerts', async () => {
    const mark = callee.journal.mark;
    await play('alerted', caller, callee, { SDP: ACCEPTED });
    await callee.ringing(mark);
    await callee.ended(mark);
  });
  for (const [what, sdp, code, why] of REFUSED) {
    const mark = callee.journal.mark;
    await check(`${what}: 488 with the warning ${code} and no 180`, async () => {
      await play('refused', caller, callee, { SDP: sdp, WARNING: code });
      return caller.steps('refused');
    });
    await check(`${callee.name} reports the refusal, and no call`, async () => {
      const refusal = await callee.journal.first('refusal', ({ event }) => event === 'invite_refused', { since: mark });
      if (refusal.why !== why || refusal.from !== 'sip:alice@interop.test') throw new Error(JSON.stringify(refusal));
      const others = callee.journal.since(mark, ({ event }) => event !== 'invite_refused');
      if (others.length > 0) throw new Error(others.map((event) => JSON.stringify(event)).join(', '));
      return refusal.why;
    });
  }
}

async function play(scenario, caller, callee, texts) {
  const port = await freeUdpPort();
  await caller.play(scenario, port, { words: { callee: callee.user }, texts, asked: `${callee.user}@interop.test` });
}

function offer(protocol, payload, codec, ...attributes) {
  const media = [`m=audio 40000 ${protocol} ${payload}`, `a=rtpmap:${payload} ${codec}/8000`, 'a=rtcp-mux', ...attributes];
  return ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', ...media].join('\n');
}
