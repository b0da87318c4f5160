// A request to the app's own endpoint, with the cookies of the page.

const request = async ({ asked, timeout }) => {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort('no answer in time'), timeout);
  const failed = (reason) => ({ ok: { failed: bounded(String(reason?.message ?? reason), 200) } });
  try {
    const { method, url, headers, body } = asked;
    const answer = await fetch(url, { method, headers, body, credentials: 'include', cache: 'no-store', signal: stop.signal });
    const reader = answer.body?.getReader();
    const decoder = new TextDecoder();
    let [text, length] = ['', 0];
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.byteLength;
      if (length > asked.most) {
        stop.abort();
        return failed(`the answer is longer than ${asked.most >> 20} MiB`);
      }
      text += decoder.decode(value, { stream: true });
    }
    return { ok: { answered: { status: answer.status, url: answer.url, text: (text + decoder.decode()).toWellFormed() } } };
  } catch (error) {
    return failed(error);
  } finally {
    clearTimeout(timer);
  }
};
