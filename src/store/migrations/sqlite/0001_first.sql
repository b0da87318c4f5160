-- The first shape of the database. Times are milliseconds since the Unix epoch, UTC; flags are 0 or 1; JSON is text.
-- `seq` is the order of making: ids are drawn from a clock that may step back, an order for paging must not.

CREATE TABLE integrations (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  connector TEXT NOT NULL,
  settings TEXT NOT NULL,
  policy TEXT NOT NULL,
  max_sessions INTEGER NOT NULL,
  paused_at INTEGER,
  pause_reason TEXT,
  -- A maintenance of the app: no job begins in it.
  closed_from INTEGER,
  closed_until INTEGER,
  closed_why TEXT,
  -- Since when nobody's access is taken away before a person has looked, and why. `leavers_since`: whoever left before counts no more.
  leavers_held_at INTEGER,
  leavers_held_why TEXT,
  leavers_since INTEGER NOT NULL DEFAULT 0,
  -- Whoever left until then and waits too long has been told of.
  late_told INTEGER NOT NULL DEFAULT 0,
  -- The least time between two jobs, and the most jobs of an hour, as in `policy`; before `paced_until` no job begins, before
  -- `rationed_until` none that can wait.
  pace_ms INTEGER NOT NULL,
  hourly INTEGER,
  paced_until INTEGER NOT NULL DEFAULT 0,
  rationed_until INTEGER NOT NULL DEFAULT 0,
  -- The working hours that are, or come next; nothing where it works always. Outside, no job begins that can wait.
  open_from INTEGER,
  open_until INTEGER,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  field TEXT NOT NULL,
  key_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  changed_at INTEGER NOT NULL,
  -- Of a one-time code's secret: the last half minute, counted from 1970, in which a code of it was used.
  code_window INTEGER,
  PRIMARY KEY (integration_id, field)
) STRICT;

CREATE TABLE tokens (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;
CREATE INDEX tokens_of_integration ON tokens(integration_id, seq);

-- Who may ask over HTTP as an operator, by the names under which events tell of what was done.
CREATE TABLE operator_keys (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('auditor', 'admin')),
  hash TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  revoked_at INTEGER
) STRICT;

-- What the identity provider wants. `deleted_at` is the wish that the account goes, `gone_at` the end of the job that saw it gone.
-- Server-controlled attributes (id, version, times) are columns, never in `resource`. `folded` is the resource as it is compared.
CREATE TABLE users (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  user_name TEXT NOT NULL,
  user_name_key TEXT NOT NULL,
  external_id TEXT,
  active INTEGER NOT NULL,
  resource TEXT NOT NULL,
  folded TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  deleted_at INTEGER,
  gone_at INTEGER,
  -- Since when the person is to be without access: a leaver's clock. Nothing for those who never were asked to go, or are back.
  left_at INTEGER,
  -- Whether a client can see the user: kept by the triggers below, so that lists and totals need not look at jobs.
  visible INTEGER NOT NULL DEFAULT 1
) STRICT;
-- Whoever is to be removed keeps the name until the account is gone: one account in the app is one lane here.
CREATE UNIQUE INDEX users_one_name ON users(integration_id, user_name_key) WHERE gone_at IS NULL;
CREATE INDEX users_external ON users(integration_id, external_id, seq) WHERE gone_at IS NULL;
CREATE INDEX users_left ON users(integration_id, left_at) WHERE left_at IS NOT NULL;
CREATE INDEX users_page ON users(integration_id, seq) WHERE visible = 1;

-- How many visible users there are in each stretch of 1024 places in the order of making: what a total is, and where the n-th
-- of many stands, without walking past all who come before. And how many are wanted to have access, of whom a share is told.
CREATE TABLE user_counts (
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  stretch INTEGER NOT NULL,
  visible INTEGER NOT NULL,
  wanted INTEGER NOT NULL,
  PRIMARY KEY (integration_id, stretch)
) STRICT, WITHOUT ROWID;

-- The addresses of users as they are compared: where a user is looked up by one.
CREATE TABLE user_emails (
  user_id TEXT NOT NULL REFERENCES users(id),
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  email TEXT NOT NULL,
  PRIMARY KEY (integration_id, email, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX emails_of_user ON user_emails(user_id);

-- The wanted groups, without their members. Where the connector makes groups in the app, `deleted_at`, `gone_at` and `visible` are what
-- they are of users; else a group that goes is gone at once. `app_id` and `app_name` are what was last seen of it in the app; `making` is
-- the name under which it may be there since: made, or renamed, and not seen yet.
CREATE TABLE groups (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  display_name TEXT NOT NULL,
  display_name_key TEXT NOT NULL,
  external_id TEXT,
  resource TEXT NOT NULL,
  folded TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  deleted_at INTEGER,
  gone_at INTEGER,
  visible INTEGER NOT NULL DEFAULT 1,
  app_id TEXT,
  app_name TEXT,
  making TEXT,
  -- Whether it was found in the app, and nobody pushed it since: then it is what the app shows, and nothing is wanted of it.
  found INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX groups_one_name ON groups(integration_id, display_name_key) WHERE gone_at IS NULL;
CREATE INDEX groups_external ON groups(integration_id, external_id, seq) WHERE visible = 1;
CREATE INDEX groups_page ON groups(integration_id, seq) WHERE visible = 1;
CREATE INDEX groups_in_app ON groups(integration_id) WHERE app_name IS NOT NULL;

CREATE TABLE members (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id TEXT NOT NULL REFERENCES groups(id),
  user_id TEXT NOT NULL REFERENCES users(id),
  UNIQUE (group_id, user_id)
) STRICT;
CREATE INDEX members_of_user ON members(user_id, group_id);

-- Who came or went since the group was last seen in the app as it is wanted: they follow when it is.
CREATE TABLE moves (
  group_id TEXT NOT NULL REFERENCES groups(id),
  user_id TEXT NOT NULL REFERENCES users(id),
  PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX moves_of_user ON moves(user_id);

-- What was last seen in the app.
CREATE TABLE accounts (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  user_id TEXT REFERENCES users(id),
  app_id TEXT,
  status TEXT NOT NULL CHECK (status IN ('absent', 'invited', 'active', 'suspended')),
  attributes TEXT NOT NULL,
  entitlements TEXT NOT NULL,
  -- The names of the groups that it is in, as JSON; nothing where no reading showed them.
  groups TEXT,
  complete INTEGER NOT NULL,
  -- Whether a sync found it otherwise than it is wanted, and no job has looked since.
  differs INTEGER NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX accounts_of_user ON accounts(integration_id, user_id);
CREATE INDEX accounts_in_app ON accounts(integration_id, app_id);

-- The values of entitlements that the app lists. `former` is what a value was called before, as JSON.
CREATE TABLE entitlements (
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  of_type TEXT NOT NULL,
  value_key TEXT NOT NULL,
  label TEXT NOT NULL,
  former TEXT NOT NULL,
  parent TEXT,
  description TEXT,
  seen_at INTEGER NOT NULL,
  gone_at INTEGER,
  PRIMARY KEY (integration_id, of_type, value_key)
) STRICT, WITHOUT ROWID;

-- A lane is (integration, user), (integration, group), or one for the integration itself. At most one head and one follower per lane.
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  lane TEXT NOT NULL,
  kind TEXT NOT NULL,
  user_id TEXT REFERENCES users(id),
  group_id TEXT REFERENCES groups(id),
  wanted_version INTEGER,
  priority INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('ready', 'blocked', 'running', 'retry', 'done', 'failed', 'held', 'needs_human', 'cancelled')),
  class TEXT,
  message TEXT,
  superseded_by TEXT,
  read_first INTEGER NOT NULL DEFAULT 0,
  -- Whether a person does it: Usher only reads whether it is done.
  by_hand INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  committing_at INTEGER,
  -- What it waits for, while it is held for that: the operation whose breaker is open, or `leavers`: until they are released.
  waits_for TEXT,
  -- How far the running attempt has come with a list, as JSON.
  progress TEXT,
  cause TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;
CREATE UNIQUE INDEX jobs_one_head_per_lane ON jobs(integration_id, lane)
  WHERE state IN ('ready', 'running', 'retry', 'held', 'needs_human');
CREATE UNIQUE INDEX jobs_one_follower_per_lane ON jobs(integration_id, lane) WHERE state = 'blocked';
CREATE INDEX jobs_claim ON jobs(integration_id, priority, seq) WHERE state = 'ready';
CREATE INDEX jobs_probe ON jobs(integration_id, priority, seq) WHERE state = 'ready' AND kind = 'test_login';
CREATE INDEX jobs_due ON jobs(due_at) WHERE state = 'retry';
CREATE INDEX jobs_of_lane ON jobs(integration_id, lane, seq);
CREATE INDEX jobs_of_integration ON jobs(integration_id, seq);
-- The few that somebody looks for among the many that are done. Those that are ready have an index above.
CREATE INDEX jobs_notable ON jobs(state, seq)
  WHERE state IN ('blocked', 'running', 'retry', 'failed', 'held', 'needs_human', 'cancelled');

-- Who can be seen: those who are wanted, and those whose removal was given up. While a removal goes on, the user reads as what
-- is wanted: gone.
CREATE TRIGGER users_go_and_come_back AFTER UPDATE OF deleted_at, gone_at ON users
WHEN OLD.deleted_at IS NOT NEW.deleted_at OR OLD.gone_at IS NOT NEW.gone_at BEGIN
  UPDATE users SET visible = gone_at IS NULL AND (deleted_at IS NULL OR coalesce((
    SELECT j.state FROM jobs j WHERE j.integration_id = users.integration_id AND j.lane = users.id AND j.superseded_by IS NULL
    ORDER BY j.seq DESC LIMIT 1) IN ('failed', 'held', 'needs_human', 'cancelled'), 0))
  WHERE seq = NEW.seq;
END;
CREATE TRIGGER users_go_with_a_new_job AFTER INSERT ON jobs WHEN NEW.user_id IS NOT NULL BEGIN
  UPDATE users SET visible = gone_at IS NULL AND (deleted_at IS NULL OR coalesce((
    SELECT j.state FROM jobs j WHERE j.integration_id = users.integration_id AND j.lane = users.id AND j.superseded_by IS NULL
    ORDER BY j.seq DESC LIMIT 1) IN ('failed', 'held', 'needs_human', 'cancelled'), 0))
  WHERE id = NEW.user_id AND deleted_at IS NOT NULL;
END;
CREATE TRIGGER users_follow_their_job AFTER UPDATE OF state, superseded_by ON jobs WHEN NEW.user_id IS NOT NULL BEGIN
  UPDATE users SET visible = gone_at IS NULL AND (deleted_at IS NULL OR coalesce((
    SELECT j.state FROM jobs j WHERE j.integration_id = users.integration_id AND j.lane = users.id AND j.superseded_by IS NULL
    ORDER BY j.seq DESC LIMIT 1) IN ('failed', 'held', 'needs_human', 'cancelled'), 0))
  WHERE id = NEW.user_id AND deleted_at IS NOT NULL;
END;
CREATE TRIGGER groups_go_and_come_back AFTER UPDATE OF deleted_at, gone_at ON groups
WHEN OLD.deleted_at IS NOT NEW.deleted_at OR OLD.gone_at IS NOT NEW.gone_at BEGIN
  UPDATE groups SET visible = gone_at IS NULL AND (deleted_at IS NULL OR coalesce((
    SELECT j.state FROM jobs j WHERE j.integration_id = groups.integration_id AND j.lane = groups.id AND j.superseded_by IS NULL
    ORDER BY j.seq DESC LIMIT 1) IN ('failed', 'held', 'needs_human', 'cancelled'), 0))
  WHERE seq = NEW.seq;
END;
CREATE TRIGGER groups_go_with_a_new_job AFTER INSERT ON jobs WHEN NEW.group_id IS NOT NULL BEGIN
  UPDATE groups SET visible = gone_at IS NULL AND (deleted_at IS NULL OR coalesce((
    SELECT j.state FROM jobs j WHERE j.integration_id = groups.integration_id AND j.lane = groups.id AND j.superseded_by IS NULL
    ORDER BY j.seq DESC LIMIT 1) IN ('failed', 'held', 'needs_human', 'cancelled'), 0))
  WHERE id = NEW.group_id AND deleted_at IS NOT NULL;
END;
CREATE TRIGGER groups_follow_their_job AFTER UPDATE OF state, superseded_by ON jobs WHEN NEW.group_id IS NOT NULL BEGIN
  UPDATE groups SET visible = gone_at IS NULL AND (deleted_at IS NULL OR coalesce((
    SELECT j.state FROM jobs j WHERE j.integration_id = groups.integration_id AND j.lane = groups.id AND j.superseded_by IS NULL
    ORDER BY j.seq DESC LIMIT 1) IN ('failed', 'held', 'needs_human', 'cancelled'), 0))
  WHERE id = NEW.group_id AND deleted_at IS NOT NULL;
END;
CREATE TRIGGER users_are_counted AFTER INSERT ON users BEGIN
  INSERT INTO user_counts (integration_id, stretch, visible, wanted) VALUES (NEW.integration_id, NEW.seq / 1024, NEW.visible, NEW.active)
  ON CONFLICT (integration_id, stretch) DO UPDATE SET visible = user_counts.visible + excluded.visible, wanted = user_counts.wanted + excluded.wanted;
END;
CREATE TRIGGER users_are_counted_again AFTER UPDATE OF visible ON users WHEN OLD.visible <> NEW.visible BEGIN
  UPDATE user_counts SET visible = visible + NEW.visible - OLD.visible
  WHERE integration_id = NEW.integration_id AND stretch = NEW.seq / 1024;
END;
CREATE TRIGGER users_are_wanted_or_not AFTER UPDATE OF active, deleted_at ON users
WHEN (OLD.active AND OLD.deleted_at IS NULL) <> (NEW.active AND NEW.deleted_at IS NULL) BEGIN
  UPDATE user_counts SET wanted = wanted + (NEW.active AND NEW.deleted_at IS NULL) - (OLD.active AND OLD.deleted_at IS NULL)
  WHERE integration_id = NEW.integration_id AND stretch = NEW.seq / 1024;
END;

-- When jobs began, of integrations whose jobs of an hour are counted; an hour at most is kept.
CREATE TABLE starts (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX starts_of_integration ON starts(integration_id, at);

-- What is done again and again: an expression as `cron` has it, with its time zone.
CREATE TABLE schedules (
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  kind TEXT NOT NULL,
  cron TEXT NOT NULL,
  next_at INTEGER NOT NULL,
  PRIMARY KEY (integration_id, kind)
) STRICT;
CREATE INDEX schedules_due ON schedules(next_at);

-- Operations of a connector that failed as a page does that has changed: how often in a row, and since when none is begun any more.
-- `connector_hash` and `credentials_at` are those with which it failed last; with others one job, the `probe`, may try it.
CREATE TABLE breakers (
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  operation TEXT NOT NULL,
  failures INTEGER NOT NULL,
  opened_at INTEGER,
  class TEXT NOT NULL,
  message TEXT NOT NULL,
  connector_hash TEXT NOT NULL,
  credentials_at INTEGER,
  probe TEXT REFERENCES jobs(id),
  PRIMARY KEY (integration_id, operation)
) STRICT;

-- One row is one session of the service account that may be open at a time: a row that exists cannot be overrun as a count can. Without
-- a job it rests with the worker that keeps the session open for the next. The lease lives here: heartbeats touch a small table only.
-- Whoever has a slot lets `beat` grow; who has not seen it grow for `lease_ms` takes it back.
CREATE TABLE slots (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  ordinal INTEGER NOT NULL,
  job_id TEXT UNIQUE REFERENCES jobs(id),
  fence INTEGER,
  worker TEXT,
  beat INTEGER NOT NULL DEFAULT 0,
  lease_ms INTEGER,
  UNIQUE (integration_id, ordinal)
) STRICT;
CREATE INDEX slots_free ON slots(integration_id, ordinal) WHERE job_id IS NULL;
CREATE INDEX slots_held ON slots(id) WHERE worker IS NOT NULL;

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  job_id TEXT NOT NULL REFERENCES jobs(id),
  number INTEGER NOT NULL,
  worker TEXT NOT NULL,
  connector_hash TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  committing_at INTEGER,
  finished_at INTEGER,
  outcome TEXT,
  class TEXT,
  message TEXT,
  -- Whether anything that it left besides its steps is kept still.
  kept INTEGER NOT NULL DEFAULT 0,
  UNIQUE (job_id, number)
) STRICT;
CREATE INDEX attempts_of_integration ON attempts(integration_id, id);
CREATE INDEX attempts_kept ON attempts(integration_id, started_at) WHERE kept = 1;

-- `record` is a step record of the trace, as JSON.
CREATE TABLE steps (
  attempt_id INTEGER NOT NULL REFERENCES attempts(id),
  number INTEGER NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (attempt_id, number)
) STRICT;

-- What an attempt left besides: bytes among the artifacts, by the path that they have in an export. Since `gone_at` they are not kept any
-- more, or never were: why is said in `gone_why`.
CREATE TABLE evidence (
  attempt_id INTEGER NOT NULL REFERENCES attempts(id),
  path TEXT NOT NULL,
  step INTEGER,
  artifact TEXT NOT NULL,
  gone_at INTEGER,
  gone_why TEXT,
  PRIMARY KEY (attempt_id, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_of_artifact ON evidence(artifact) WHERE gone_at IS NULL;

-- Pages of a list that a job read, until it has ended: another attempt goes on from them. `since` is the last event before the first was read.
CREATE TABLE listed_pages (
  job_id TEXT NOT NULL REFERENCES jobs(id),
  list TEXT NOT NULL,
  number INTEGER NOT NULL,
  address TEXT NOT NULL,
  total INTEGER,
  page_rows TEXT NOT NULL,
  connector_hash TEXT NOT NULL,
  since INTEGER NOT NULL,
  read_at INTEGER NOT NULL,
  PRIMARY KEY (job_id, list, number)
) STRICT, WITHOUT ROWID;

-- Bytes that are stored. Those that are `unneeded` are removed, and then their row: no evidence that is kept names them.
CREATE TABLE artifacts (
  name TEXT NOT NULL PRIMARY KEY,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  unneeded INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX artifacts_unneeded ON artifacts(name) WHERE unneeded = 1;

-- What must neither expire nor be erased: all of an integration, or what is of one person or one job.
CREATE TABLE holds (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  user_id TEXT REFERENCES users(id),
  job_id TEXT REFERENCES jobs(id),
  reason TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  released_at INTEGER
) STRICT;
CREATE INDEX holds_open ON holds(integration_id) WHERE released_at IS NULL;

-- Attempts of others that were found to show the person of a hold when their time was over: they stay with it.
CREATE TABLE spared (
  hold_id TEXT NOT NULL REFERENCES holds(id),
  attempt_id INTEGER NOT NULL REFERENCES attempts(id),
  PRIMARY KEY (hold_id, attempt_id)
) STRICT, WITHOUT ROWID;

-- What a reading of all accounts found that was not known so, and what was decided on it.
CREATE TABLE plans (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  job_id TEXT NOT NULL REFERENCES jobs(id),
  state TEXT NOT NULL CHECK (state IN ('proposed', 'held', 'applied', 'rejected', 'superseded')),
  why TEXT,
  counts TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  decided_at INTEGER,
  decided_by TEXT,
  reason TEXT
) STRICT;
CREATE INDEX plans_of_integration ON plans(integration_id, seq);

CREATE TABLE plan_items (
  plan_id TEXT NOT NULL REFERENCES plans(id),
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  user_id TEXT REFERENCES users(id),
  name TEXT NOT NULL,
  note TEXT NOT NULL,
  account TEXT,
  resource TEXT,
  -- Whether it is put right without anybody's word, because Usher has the say in what differs.
  corrects INTEGER NOT NULL,
  -- Of a finding about a group: which group, and the group in the app as JSON.
  group_id TEXT REFERENCES groups(id),
  in_app TEXT,
  outcome TEXT,
  PRIMARY KEY (plan_id, number)
) STRICT;

-- Who is told of what happens. `sealed` is the address, with what it is signed or let in by; `seen` the last event that was told, or passed
-- over. After failures it is tried again at `due_at`; whoever tells takes it until then.
CREATE TABLE hooks (
  id TEXT NOT NULL PRIMARY KEY,
  integration_id TEXT REFERENCES integrations(id),
  channel TEXT NOT NULL CHECK (channel IN ('webhook', 'email')),
  shown TEXT NOT NULL,
  key_id TEXT NOT NULL,
  sealed BLOB NOT NULL,
  kinds TEXT NOT NULL,
  seen INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  due_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- Append-only, each row's hash covers the row before it. The triggers stop accidents, the chain shows the rest. What one said of a person may be
-- erased: then `erased` is the digest that it had, and a later event tells of it.
CREATE TABLE events (
  seq INTEGER NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  integration_id TEXT,
  target TEXT,
  job_id TEXT,
  data TEXT NOT NULL,
  hash TEXT NOT NULL,
  erased TEXT
) STRICT;
CREATE INDEX events_of_job ON events(job_id, seq);
CREATE INDEX events_of_target ON events(target, seq);
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
WHEN NOT (OLD.erased IS NULL AND NEW.erased IS NOT NULL AND NEW.data = '{}' AND NEW.seq IS OLD.seq AND NEW.at IS OLD.at AND NEW.kind IS OLD.kind AND NEW.actor IS OLD.actor AND NEW.integration_id IS OLD.integration_id AND NEW.target IS OLD.target AND NEW.job_id IS OLD.job_id AND NEW.hash IS OLD.hash) BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

-- What was asked over SCIM and answered, redacted; the last ones of each integration. Without a token, nobody was let in. The
-- bodies stand last, so that a list need not read them; the index serves lists as well as the trimming of both kinds.
CREATE TABLE exchanges (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  integration_id TEXT NOT NULL REFERENCES integrations(id),
  token_id TEXT,
  let_in INTEGER NOT NULL,
  at INTEGER NOT NULL,
  method TEXT NOT NULL,
  target TEXT NOT NULL,
  status INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  user_agent TEXT,
  request_headers TEXT NOT NULL,
  answer_headers TEXT NOT NULL,
  request_note TEXT,
  answer_note TEXT,
  request_body TEXT,
  answer_body TEXT
) STRICT;
CREATE INDEX exchanges_of_integration ON exchanges(integration_id, let_in, number);

-- How many exchanges were too many to be kept as they came.
CREATE TABLE exchanges_lost (
  integration_id TEXT NOT NULL PRIMARY KEY REFERENCES integrations(id),
  lost INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) STRICT;
