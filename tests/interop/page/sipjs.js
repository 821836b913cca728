// A SIP.js phone, driven as that of jssip.js. SIP.js 0.21 neither sends nor accepts UPDATE.

import './wire.js';
import { Inviter, Registerer, RegistererState, SessionState, SIPExtension, UserAgent } from 'sip.js';
import { follow, pair } from './ear.js';
import { context, speak } from './microphone.js';
import { report } from './report.js';

const media = { constraints: { audio: true, video: false } };
let agent = null;
let session = null;
// `supported` or `required`: 100rel in our INVITE. A call to us gets a reliable response, and is accepted by `answer`.
let reliable;
// Whether our INVITE has no offer.
let inviteWithoutSdp;

window.phone = {
  async start({ url, address, password, hz, reliable: extension, isLate }) {
    await context.audioWorklet.addModule('keys.js');
    speak(hz);
    [reliable, inviteWithoutSdp] = [extension, isLate];
    const uri = UserAgent.makeURI(address);
    agent = new UserAgent({
      uri,
      authorizationUsername: uri.user,
      authorizationPassword: password,
      transportOptions: { server: url },
      sipExtension100rel: { supported: SIPExtension.Supported, required: SIPExtension.Required }[extension],
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
      logLevel: 'error',
      delegate: { onInvite: (invitation) => ring(invitation) },
    });
    await agent.start();
    const registerer = new Registerer(agent, { expires: 120 });
    registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Registered) report({ event: 'registered' });
    });
    await registerer.register();
  },
  speak,
  pair,
  call: (target) => {
    const options = { earlyMedia: true, inviteWithoutSdp, sessionDescriptionHandlerOptions: media };
    const inviter = new Inviter(agent, UserAgent.makeURI(target), options);
    begin(inviter);
    return inviter.invite();
  },
  answer: () => session.accept({ sessionDescriptionHandlerOptions: media }),
  hold: () => setHold(true),
  resume: () => setHold(false),
  restart: async () => {
    await renegotiate({ offerOptions: { iceRestart: true } });
    // These options are also those of its answers, which would wait for candidates again.
    session.sessionDescriptionHandlerOptionsReInvite = media;
  },
  hangUp: () => session.bye(),
};

/** SIP.js offers `sendonly`, and leaves it to its user to send nothing. */
function setHold(hold) {
  session.sessionDescriptionHandler.enableSenderTracks(!hold);
  return renegotiate({ hold });
}

/** Sends a re-INVITE, and waits for its 2xx. */
function renegotiate(options) {
  session.sessionDescriptionHandlerOptionsReInvite = { ...media, ...options };
  return new Promise((resolve, reject) => {
    const refused = ({ message }) => reject(new Error(`re-INVITE refused: ${message.statusCode}`));
    session.invite({ requestDelegate: { onAccept: resolve, onReject: refused } }).catch(reject);
  });
}

async function ring(invitation) {
  begin(invitation);
  report({ event: 'incoming', from: invitation.remoteIdentity.uri.toString() });
  if (!reliable) return window.phone.answer();
  // Resolves with the PRACK.
  await invitation.progress({ rel100: true, sessionDescriptionHandlerOptions: media });
  report({ event: 'acknowledged' });
}

function begin(fresh) {
  session = fresh;
  let deafen = () => {};
  fresh.delegate = {
    onSessionDescriptionHandler: ({ peerConnection }) => {
      deafen = follow(context, peerConnection, report);
    },
    // A re-INVITE of the peer that was answered. SIP.js itself knows no hold of the peer.
    onInvite: ({ body }) => {
      const isHold = /^a=(sendonly|inactive)/m.test(body);
      report({ event: isHold ? 'hold' : 'resume', by: 'remote' });
    },
  };
  fresh.stateChange.addListener((state) => {
    if (state === SessionState.Established) report({ event: 'status', status: 'established' });
    if (state !== SessionState.Terminated) return;
    deafen();
    report({ event: 'ended' });
  });
}
