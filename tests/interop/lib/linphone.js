// linphonec, driven by standard input: it plays a file and records one, for there is no sound device.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program } from './program.js';
import { writeTone } from './wav.js';

/** What it prints, among the lines of its log, and what that means. */
const LINES = [
  [/moving from state \S+ to \[LinphoneRegistrationOk\]/, { event: 'registered' }],
  [/Receiving new incoming call from/, { event: 'ringing' }],
  [/Incoming INVITE has ACK/, { event: 'acknowledged' }],
  [/Media streams established with/, { status: 'established' }],
  [/Call \d+ with \S+ ended/, { event: 'ended' }],
  [/No active call\./, { event: 'idle' }],
];

export class Linphone extends Program {
  constructor(user, hz, folder) {
    super('linphonec', user, hz, folder);
    // Without a folder for its database it opens no SIP socket.
    mkdirSync(join(this.home, '.local/share/linphone'), { recursive: true });
  }

  /** `exchange` is its `IP:PORT` for UDP. */
  async register(exchange) {
    const configuration = join(this.home, 'linphonerc');
    const tone = join(this.home, 'tone.wav');
    writeFileSync(configuration, settings(this.user, exchange));
    writeTone(tone, this.hz, 60);
    const mark = this.journal.mark;
    this.run('linphonec', ['-c', configuration, '-d', '6']);
    this.say('soundcard use files');
    this.say(`play ${tone}`);
    this.say(`record ${this.recording()}`);
    await this.registered(mark);
  }

  call(peer) {
    this.say(`call ${peer.address}`);
  }

  answer() {
    this.say('answer');
  }

  hangUp() {
    this.say('terminate');
  }

  askForCalls() {
    this.say('calls');
  }

  /** Names the file of the next call here: `record` while a call rings makes linphonec hang. */
  async idle() {
    await super.idle();
    this.say(`record ${this.recording()}`);
  }

  quit() {
    this.say('unregister');
    this.say('quit');
  }

  /** What is heard in this call. */
  recording() {
    return join(this.home, `heard-${this.calls}.wav`);
  }

  read(line) {
    const known = LINES.find(([pattern]) => pattern.test(line));
    if (known) this.journal.push(known[1]);
    else if (/-error-|^linphonec>/.test(line)) this.journal.push({ event: 'output', text: line });
  }
}

/** Port -1 is one of the system's choice. */
function settings(user, exchange) {
  return `[sip]
sip_port=-1
sip_tcp_port=0
sip_tls_port=0
bind_address=127.0.0.1
contact=sip:${user}@127.0.0.1
guess_hostname=0
use_ipv6=0
default_proxy=0

[rtp]
audio_rtp_port=-1
bind_address=127.0.0.1

[video]
enabled=0

[proxy_0]
reg_proxy=<sip:${exchange};transport=udp>
reg_route=<sip:${exchange};transport=udp;lr>
reg_identity=sip:${user}@interop.test
reg_expires=60
reg_sendregister=1

[auth_info_0]
username=${user}
userid=${user}
passwd=${user}-pw
realm=interop.test
`;
}
