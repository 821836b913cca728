// A JsSIP phone with an oscillator for a microphone. `window.phone` is driven, and `window.report` told, from Node.

import './wire.js';
import JsSIP from 'jssip';
import { follow, pair } from './ear.js';
import { context, speak } from './microphone.js';
import { report } from './report.js';

let agent = null;
let session = null;
// Whether hold and resume are sent by UPDATE instead of a re-INVITE.
let useUpdate = false;

const media = { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } };

window.phone = {
  async start({ url, address, password, hz, updates }) {
    await context.audioWorklet.addModule('keys.js');
    speak(hz);
    useUpdate = updates;
    agent = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(url)],
      uri: address,
      password,
      register: true,
      register_expires: 120,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 3,
    });
    agent.on('connected', () => report({ event: 'connected' }));
    agent.on('disconnected', () => report({ event: 'disconnected' }));
    agent.on('registered', () => report({ event: 'registered' }));
    agent.on('unregistered', () => report({ event: 'unregistered' }));
    agent.on('registrationFailed', ({ cause }) => report({ event: 'registration_failed', cause }));
    agent.on('newRTCSession', ({ originator, session: fresh }) => begin(originator, fresh));
    agent.start();
  },
  speak,
  pair,
  call: (target) => agent.call(target, media),
  hold: () => settled((done) => session.hold({ useUpdate }, done)),
  resume: () => settled((done) => session.unhold({ useUpdate }, done)),
  restart: () => settled((done) => session.renegotiate({ useUpdate, rtcOfferConstraints: { iceRestart: true } }, done)),
  hangUp: () => session.terminate(),
  digits: (digits, path) =>
    session.sendDTMF(digits, { transportType: path === 'rtp' ? 'RFC2833' : 'INFO', duration: 120, interToneGap: 120 }),
  transfer: (target) => {
    const transferred = session;
    const transfer = transferred.refer(target);
    transfer.on('accepted', () => {
      report({ event: 'transfer', state: 'done' });
      transferred.terminate();
    });
  },
};

/** JsSIP refuses to change a call while another change is under way, and says when its own is through. */
function settled(change) {
  return new Promise((resolve, reject) => {
    if (!change(resolve)) reject(new Error('JsSIP refused to change the call'));
  });
}

function begin(originator, fresh) {
  session = fresh;
  let deafen = () => {};
  const hear = (connection) => {
    deafen = follow(context, connection, report);
  };
  // An incoming call gets its connection when it is answered, an outgoing one at once.
  if (fresh.connection) hear(fresh.connection);
  else fresh.on('peerconnection', ({ peerconnection }) => hear(peerconnection));
  fresh.on('confirmed', () => report({ event: 'status', status: 'established' }));
  fresh.on('hold', ({ originator: by }) => report({ event: 'hold', by }));
  fresh.on('unhold', ({ originator: by }) => report({ event: 'resume', by }));
  fresh.on('newDTMF', ({ originator: by, dtmf }) => {
    if (by === 'remote') report({ event: 'dtmf', digit: dtmf.tone, by: 'info' });
  });
  fresh.on('refer', ({ accept }) => accept(null, media));
  const end = ({ originator: by, cause, message }) => {
    deafen();
    report({ event: 'ended', by, cause, code: message?.status_code });
  };
  fresh.on('ended', end);
  fresh.on('failed', end);
  if (originator === 'remote') {
    report({ event: 'incoming', from: fresh.remote_identity.uri.toString() });
    fresh.answer(media);
  }
}
