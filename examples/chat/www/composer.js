// Where a person writes. Text leaves the box when it is sent, and comes back if the server never confirmed it.
import { recall, remember } from './memory.js';

const longest = 2000; // code points, as the server counts them
const warnBelow = 200;

export class Composer {
  #box;
  #button;
  #remaining;
  #send;
  #enabled = false;
  #unconfirmed = [];

  /** @param send (text) => boolean: false leaves the text where it is */
  constructor(form, send) {
    this.#box = form.querySelector('textarea');
    this.#button = form.querySelector('.send');
    this.#remaining = form.querySelector('.remaining');
    this.#send = send;
    this.#box.addEventListener('input', () => this.#update());
    this.#box.addEventListener('keydown', (event) => {
      // Enter that ends the composition of a character (Japanese, Chinese, …) belongs to the input method.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#say();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say();
    });
    this.#write(recall('sessionStorage', 'draft') ?? '');
  }

  focus() {
    this.#box.focus();
  }

  addressTo(room) {
    this.#box.placeholder = `Message #${room}`;
  }

  enable(enabled) {
    this.#enabled = enabled;
    this.#update();
  }

  /** The server has echoed the oldest text that was sent. */
  confirm() {
    this.#unconfirmed.shift();
  }

  /** What the server may never have seen goes back to where it can be sent again. */
  takeBack() {
    if (!this.#unconfirmed.length) return;
    this.#write([...this.#unconfirmed, this.#box.value].filter(Boolean).join('\n'));
    this.#unconfirmed = [];
  }

  #say() {
    const text = this.#box.value;
    if (!text.trim() || left(text) < 0 || !this.#send(text)) return;
    this.#unconfirmed.push(text);
    this.#write('');
    this.focus();
  }

  #write(text) {
    this.#box.value = text;
    this.#update();
  }

  #update() {
    const text = this.#box.value;
    remember('sessionStorage', 'draft', text);
    this.#box.style.height = 'auto';
    this.#box.style.height = `${this.#box.scrollHeight}px`;
    this.#remaining.hidden = left(text) >= warnBelow;
    this.#remaining.textContent = left(text) < 0 ? `${-left(text)} too many` : `${left(text)} left`;
    this.#remaining.classList.toggle('over', left(text) < 0);
    this.#button.disabled = !this.#enabled || left(text) < 0 || !text.trim();
  }
}

function left(text) {
  return longest - [...text].length;
}
