// What this browser remembers: a name for good, a draft as long as the tab lives.
// A browser may refuse storage altogether, even the mention of it; the chat works without.

export function recall(storage, key) {
  try {
    return window[storage].getItem(`coax-chat.${key}`);
  } catch {
    return null;
  }
}

export function remember(storage, key, value) {
  try {
    window[storage].setItem(`coax-chat.${key}`, value);
  } catch {
    // Not remembered, then.
  }
}

const moods = ['Calm', 'Curious', 'Eager', 'Gentle', 'Jolly', 'Lucky', 'Mellow', 'Nimble', 'Quiet', 'Sunny', 'Swift', 'Witty'];
const animals = ['Badger', 'Beaver', 'Falcon', 'Fox', 'Heron', 'Ibex', 'Lynx', 'Magpie', 'Otter', 'Puffin', 'Robin', 'Seal'];

export function friendlyName() {
  const pick = (words) => words[Math.floor(Math.random() * words.length)];
  const name = `${pick(moods)} ${pick(animals)}`;
  remember('localStorage', 'name', name);
  return name;
}
