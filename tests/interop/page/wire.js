// Reports the SIP messages of a page as they pass its WebSocket. Loaded before the library that opens the WebSocket.

import { report } from './report.js';

window.WebSocket = class extends WebSocket {
  constructor(...values) {
    super(...values);
    this.addEventListener('message', ({ data }) => tell(false, data));
  }

  send(data) {
    tell(true, data);
    super.send(data);
  }
};

function tell(sent, data) {
  const message = typeof data === 'string' ? data : new TextDecoder().decode(data);
  // What is not a message is a keep-alive.
  if (!message.trim()) return;
  const [head, body = ''] = message.split('\r\n\r\n');
  const [start] = head.split('\r\n', 1);
  const value = (name) => head.match(new RegExp(`^${name}: *(.*)$`, 'im'))?.[1];
  const names = (name) => value(name)?.split(/[ ,]+/) ?? [];
  report({
    event: 'sip',
    sent,
    // The method of a request, the code of a response.
    line: start.startsWith('SIP/') ? start.split(' ')[1] : start.split(' ')[0],
    cseq: value('CSeq'),
    method: value('CSeq').split(' ')[1],
    inDialog: /;tag=/.test(value('To')),
    reliable: names('Require').includes('100rel'),
    supported: names('Supported').includes('100rel'),
    rseq: value('RSeq'),
    rack: value('RAck'),
    ufrag: body.match(/^a=ice-ufrag:(\S+)/m)?.[1],
    direction: body.match(/^a=(sendrecv|sendonly|recvonly|inactive)/m)?.[1],
    sdp: body.startsWith('v=0'),
  });
}
