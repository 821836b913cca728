// baresip with plain RTP and Opus: commands and events through its control port, one netstring each.

import { readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, patiently } from './processes.js';
import { Program } from './program.js';

const EVENTS = { CALL_INCOMING: 'ringing', CALL_CLOSED: 'ended' };

export class Baresip extends Program {
  #control = null;
  #received = Buffer.alloc(0);

  constructor(user, hz, folder) {
    super('baresip', user, hz, folder);
  }

  /** `exchange` is its `IP:PORT` for UDP. */
  async register(exchange) {
    const port = await freePort();
    writeFileSync(join(this.home, 'config'), configuration(this.home, this.hz, port));
    writeFileSync(join(this.home, 'accounts'), account(this.user, exchange));
    writeFileSync(join(this.home, 'contacts'), '');
    const mark = this.journal.mark;
    this.run('baresip', ['-f', this.home]);
    await patiently('baresip takes commands', () => this.#connect(port));
    await this.registered(mark);
  }

  call(peer) {
    this.#order('dial', peer.address);
  }

  answer() {
    this.#order('accept');
  }

  hangUp() {
    this.#order('hangup');
  }

  askForCalls() {
    this.#order('callstat');
  }

  /** It removes its Contact on the way out. */
  quit() {
    this.#order('quit');
  }

  /** What is heard in this call, once there is such a file. The names hold the time. */
  recording() {
    const names = readdirSync(this.home).filter((name) => name.endsWith('-dec.wav'));
    return names.length > this.calls ? join(this.home, names.sort()[this.calls]) : null;
  }

  read(line) {
    if (/200 OK .*\[1 binding\]/.test(line)) this.journal.push({ event: 'registered' });
    else this.journal.push({ event: 'output', text: line });
  }

  #order(command, params = '') {
    const order = JSON.stringify({ command, params });
    this.#control.write(`${Buffer.byteLength(order)}:${order},`);
  }

  /** False while nothing listens there. */
  #connect(port) {
    const socket = connect(port, '127.0.0.1');
    return new Promise((resolve) => {
      socket.once('connect', () => {
        this.#control = socket;
        socket.on('data', (data) => this.#parse(data));
        resolve(true);
      });
      // After the connection is up, the end of baresip is seen by its exit code.
      socket.on('error', () => resolve(false));
    });
  }

  #parse(data) {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const colon = this.#received.indexOf(':');
      const end = colon + 1 + Number(this.#received.toString('latin1', 0, colon));
      if (colon < 0 || this.#received.length <= end) return;
      this.#note(JSON.parse(this.#received.toString('utf8', colon + 1, end)));
      this.#received = this.#received.subarray(end + 1);
    }
  }

  #note({ type, direction, response, data }) {
    if (response) {
      this.journal.push(/no active calls/.test(data) ? { event: 'idle' } : { event: 'response', text: data });
    } else if (type === 'CALL_ESTABLISHED') {
      // The callee's is established by the ACK, the caller's by the 200.
      if (direction === 'incoming') this.journal.push({ event: 'acknowledged' });
      this.journal.push({ status: 'established' });
    } else {
      this.journal.push({ event: EVENTS[type] ?? type });
    }
  }
}

function account(user, exchange) {
  const parameters = [
    `auth_user=${user}`,
    `auth_pass=${user}-pw`,
    `outbound="sip:${exchange};transport=udp"`,
    'regint=60',
    'audio_codecs=opus/48000/2',
    'answermode=manual',
  ];
  return `<sip:${user}@interop.test;transport=udp>;${parameters.join(';')}\n`;
}

/** What it hears goes into a file, by the filter `sndfile`; no sound device is used. */
function configuration(home, hz, port) {
  return `sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_source ausine,${hz}
audio_player aubridge,ear
audio_alert aubridge,alert
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 2
auplay_channels 2
snd_path ${home}
statmode_default off
module_path /usr/lib/baresip/modules
module opus.so
module ausine.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:${port}
`;
}
