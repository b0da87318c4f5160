// Writes config.json and auth.json as Homebridge keeps them: node seed.js FOLDER PORT HOMEBRIDGE
const { randomBytes, pbkdf2Sync } = require('node:crypto');
const { readFileSync, writeFileSync } = require('node:fs');

const [folder, port, homebridge] = process.argv.slice(2);
const { SERVICE_NAME, SERVICE_PASSWORD, SERVICE_TOTP, PEOPLE, PEOPLE_PASSWORD } = process.env;

const account = (id, username, name, password, more) => {
  const salt = randomBytes(32).toString('hex');
  return { id, username, name, salt, hashedPassword: pbkdf2Sync(password, salt, 1000, 64, 'sha512').toString('hex'), ...more };
};
const people = readFileSync(PEOPLE, 'utf8').trim().split('\n').map((line) => line.split('\t'));
const accounts = [account(1, SERVICE_NAME, 'Usher', SERVICE_PASSWORD, { admin: true, otpActive: process.env.SERVICE_OTP !== 'off', otpSecret: SERVICE_TOTP })];
people.forEach(([login, given, family], index) => {
  accounts.push(account(index + 2, login, `${given} ${family}`, PEOPLE_PASSWORD, { admin: index % 10 === 0 }));
});
const write = (name, value) => writeFileSync(`${folder}/${name}`, JSON.stringify(value, null, 2));
write('auth.json', accounts);
write('.uix-secrets', { secretKey: randomBytes(32).toString('hex') });
write('config.json', {
  bridge: { name: 'Test', username: '02:00:00:00:00:01', port: 51826, pin: '031-45-154', bind: ['127.0.0.1'] },
  accessories: [],
  platforms: [{ platform: 'config', name: 'Config', port: Number(port), host: '127.0.0.1', auth: 'form', lang: 'en',
    homebridgePackagePath: homebridge, disableServerMetricsMonitoring: true }],
});
