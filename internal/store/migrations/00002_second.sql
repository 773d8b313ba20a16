-- What the second release adds. The rules of the first schema hold.

-- +goose Up

-- Identifier URIs of applications, lower case; each is unique in its tenant.
CREATE TABLE application_identifier (
    tenant_id      TEXT NOT NULL,
    uri            TEXT NOT NULL,
    application_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, uri)
);
CREATE INDEX application_identifier_application ON application_identifier (tenant_id, application_id);

-- Owners of applications and service principals.
CREATE TABLE object_owner (
    tenant_id  TEXT NOT NULL,
    object_id  TEXT NOT NULL,
    owner_id   TEXT NOT NULL,
    owner_kind TEXT NOT NULL,
    PRIMARY KEY (tenant_id, object_id, owner_id)
);
CREATE INDEX object_owner_owner ON object_owner (tenant_id, owner_id, object_id);

-- Domains that are not verified. They stand apart from tenant_domain, so that a program of
-- the first release does not take them for verified ones.
CREATE TABLE pending_domain (
    tenant_id  TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    proof      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE INDEX permission_grant_principal ON permission_grant (tenant_id, principal_id, id);
CREATE INDEX permission_grant_resource ON permission_grant (tenant_id, resource_id, id);
CREATE INDEX app_role_assignment_principal ON app_role_assignment (tenant_id, principal_id, id);
CREATE INDEX token_family_app ON token_family (tenant_id, app_id);

-- Devices that joined. key_thumbprint names the key that a device proves itself with; machine
-- is a hash of its TPM's endorsement key, empty without a TPM.
CREATE TABLE device (
    tenant_id        TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    device_id        TEXT    NOT NULL,
    display_name     TEXT    NOT NULL, -- lower case, as all that is filtered by
    operating_system TEXT    NOT NULL,
    trust_type       TEXT    NOT NULL,
    account_enabled  BOOLEAN NOT NULL,
    key_thumbprint   TEXT    NOT NULL,
    machine          TEXT    NOT NULL,
    owner_id         TEXT    NOT NULL,
    registered_at    BIGINT  NOT NULL,
    seen_at          BIGINT  NOT NULL,
    version          BIGINT  NOT NULL DEFAULT 0,
    body             TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX device_device_id ON device (tenant_id, device_id);
CREATE UNIQUE INDEX device_key ON device (tenant_id, key_thumbprint);
CREATE INDEX device_machine ON device (tenant_id, machine);
CREATE INDEX device_owner ON device (tenant_id, owner_id, id);
CREATE INDEX device_display_name ON device (tenant_id, display_name, id);
CREATE INDEX device_operating_system ON device (tenant_id, operating_system, id);
CREATE INDEX device_trust_type ON device (tenant_id, trust_type, id);
CREATE INDEX device_enabled ON device (tenant_id, account_enabled, id);
CREATE INDEX device_registered ON device (tenant_id, registered_at, id);
CREATE INDEX device_seen ON device (tenant_id, seen_at, id);

-- Whether an administrator lets the device take part: approved, pending, refused.
ALTER TABLE device ADD COLUMN approval TEXT NOT NULL DEFAULT 'approved';
CREATE INDEX device_approval ON device (tenant_id, approval, id);

-- People who signed in on a device: its registered users.
CREATE TABLE device_user (
    tenant_id TEXT   NOT NULL,
    device_id TEXT   NOT NULL, -- object id
    user_id   TEXT   NOT NULL,
    first_at  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id, user_id)
);
CREATE INDEX device_user_user ON device_user (tenant_id, user_id, device_id);

-- Numbers of people and groups on devices (uid, gid): given out once, never reused.
CREATE TABLE account_number (
    tenant_id TEXT   NOT NULL,
    object_id TEXT   NOT NULL,
    number    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, object_id)
);
CREATE UNIQUE INDEX account_number_once ON account_number (tenant_id, number);

-- Device PINs: one key a person and device.
CREATE TABLE pin_container (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    device_id  TEXT   NOT NULL, -- object id
    user_id    TEXT   NOT NULL,
    method_id  TEXT   NOT NULL, -- empty while the key is not registered
    created_at BIGINT NOT NULL,
    body       TEXT   NOT NULL, -- public key, reset root, challenge, resets of the last hour
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX pin_container_user ON pin_container (tenant_id, user_id, id);
CREATE INDEX pin_container_device ON pin_container (tenant_id, device_id, user_id);
CREATE INDEX pin_container_method ON pin_container (tenant_id, method_id);

CREATE TABLE device_policy (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    name        TEXT   NOT NULL, -- lower case
    created_at  BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    version     BIGINT NOT NULL DEFAULT 1,
    body        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX device_policy_name ON device_policy (tenant_id, name, id);

-- dynamicmembership of a dynamic group, else empty.
ALTER TABLE directory_group ADD COLUMN group_type TEXT NOT NULL DEFAULT '';
CREATE INDEX directory_group_type ON directory_group (tenant_id, group_type, id);

-- Rules of dynamic groups that are followed; paused ones are in the group's body only.
CREATE TABLE membership_rule (
    tenant_id TEXT NOT NULL,
    group_id  TEXT NOT NULL,
    rule      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, group_id)
);

-- The device that a token family is bound to, by object id.
ALTER TABLE token_family ADD COLUMN device_id TEXT NOT NULL DEFAULT '';
CREATE INDEX token_family_device ON token_family (tenant_id, device_id);

-- The device PIN, by id of its method, that a session or token family came from.
ALTER TABLE session ADD COLUMN method_id TEXT NOT NULL DEFAULT '';
CREATE INDEX session_method ON session (tenant_id, method_id);
ALTER TABLE token_family ADD COLUMN method_id TEXT NOT NULL DEFAULT '';
CREATE INDEX token_family_method ON token_family (tenant_id, method_id);

-- How far each witness of the log was told: the size of the last checkpoint that it took.
CREATE TABLE witness_mark (
    tenant_id TEXT   NOT NULL,
    witness   TEXT   NOT NULL,
    size      BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, witness)
);

-- Applications that are to be told that a session ended (OpenID Connect Back-Channel Logout).
CREATE TABLE logout_notice (
    tenant_id   TEXT   NOT NULL,
    session_id  TEXT   NOT NULL,
    app_id      TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, session_id, app_id)
);
CREATE INDEX logout_notice_due ON logout_notice (tenant_id, due_at);

-- The device on which a person signed in, by object id: its sessions end with it.
ALTER TABLE session ADD COLUMN device_id TEXT NOT NULL DEFAULT '';
CREATE INDEX session_device ON session (tenant_id, device_id);

-- The key that proved itself where an authorization request was pushed (RFC 9449 section 10.1);
-- a key that was only named there is in the body.
ALTER TABLE pushed_request ADD COLUMN proved_key TEXT NOT NULL DEFAULT '';

-- What devices are to read again, in an order without gaps: the row of the tenant is locked
-- while a change is numbered, so that whoever has seen one number has seen all before it. A
-- tenant without devices has no row.
CREATE TABLE device_feed (
    tenant_id TEXT   NOT NULL PRIMARY KEY,
    version   BIGINT NOT NULL
);
CREATE TABLE device_change (
    tenant_id TEXT   NOT NULL,
    version   BIGINT NOT NULL,
    change    TEXT   NOT NULL, -- policy, account, pin, device
    device_id TEXT   NOT NULL, -- object id; empty for all devices
    subject   TEXT   NOT NULL, -- such as the id of the person
    at        BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, version)
);
CREATE INDEX device_change_at ON device_change (tenant_id, at);

-- What a device last said of itself.
CREATE TABLE device_status (
    tenant_id TEXT   NOT NULL,
    device_id TEXT   NOT NULL, -- object id
    at        BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, device_id)
);

-- Browsers in which anybody signed in before.
CREATE INDEX familiar_place_hash ON familiar_place (tenant_id, place_hash);

-- What a mail is about and who it is for, so that one that was given up, and has no content
-- any more, still says so.
ALTER TABLE outbox ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN user_id TEXT NOT NULL DEFAULT '';

-- uniqueName of groups, lower case.
CREATE TABLE group_unique_name (
    tenant_id TEXT NOT NULL,
    name      TEXT NOT NULL,
    group_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
CREATE INDEX group_unique_name_group ON group_unique_name (tenant_id, group_id);

-- Sign-ins of people, in the background, and of applications are asked for apart.
CREATE INDEX event_kind_of_sign_in ON event (tenant_id, kind, event_type, at, id);

-- Registered methods of every kind but the pass and the device PIN.
CREATE TABLE credential (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL, -- Graph's id of the method
    user_id    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    lookup     TEXT,            -- what finds it without a name; NULL for what needs none
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0,
    frozen_at  BIGINT NOT NULL DEFAULT 0,
    counter    BIGINT NOT NULL DEFAULT 0, -- only grows
    session_id TEXT   NOT NULL, -- in which it was registered
    pass_id    TEXT   NOT NULL, -- behind that session
    body       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX credential_user ON credential (tenant_id, user_id, created_at, id);
CREATE UNIQUE INDEX credential_lookup ON credential (tenant_id, kind, lookup);
CREATE INDEX credential_pass ON credential (tenant_id, pass_id);

-- Which credentials the proofs of a session were checked with.
CREATE TABLE session_credential (
    tenant_id     TEXT   NOT NULL,
    credential_id TEXT   NOT NULL,
    session_id    TEXT   NOT NULL,
    expires_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, credential_id, session_id)
);
CREATE INDEX session_credential_expiry ON session_credential (tenant_id, expires_at);

-- How often, and when last, a person said Later when they were asked to register a method.
CREATE TABLE registration_snooze (
    tenant_id TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    snoozes   BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
-- The request at a person's phones that is open, or was the last: one a person. quiet_until and
-- quiet_home_until hold back requests for unfamiliar and familiar places.
CREATE TABLE phone_request (
    tenant_id        TEXT   NOT NULL,
    user_id          TEXT   NOT NULL,
    id               TEXT   NOT NULL,
    transaction_id   TEXT   NOT NULL,
    created_at       BIGINT NOT NULL,
    ends_at          BIGINT NOT NULL,
    outcome          TEXT   NOT NULL, -- empty while it is open
    quiet_until      BIGINT NOT NULL,
    quiet_home_until BIGINT NOT NULL,
    body             TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX phone_request_open ON phone_request (tenant_id, outcome, ends_at);

-- Codes by which phones are added, hashed.
CREATE TABLE phone_enrolment (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    code_hash  TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    used_at    BIGINT NOT NULL DEFAULT 0,
    body       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX phone_enrolment_code ON phone_enrolment (tenant_id, code_hash);
CREATE INDEX phone_enrolment_user ON phone_enrolment (tenant_id, user_id);
CREATE INDEX phone_enrolment_ends ON phone_enrolment (tenant_id, ends_at);

-- Where messages for a phone go, by the id of its credential.
CREATE TABLE phone_push (
    tenant_id     TEXT NOT NULL,
    credential_id TEXT NOT NULL,
    body          TEXT NOT NULL,
    PRIMARY KEY (tenant_id, credential_id)
);

-- The method that a person signed in with last in a familiar browser, or on a device.
ALTER TABLE familiar_place ADD COLUMN method TEXT NOT NULL DEFAULT '';
ALTER TABLE device_user ADD COLUMN method TEXT NOT NULL DEFAULT '';
-- Browser or device where a credential last signed its person in, in words.
ALTER TABLE credential ADD COLUMN used_on TEXT NOT NULL DEFAULT '';

-- Grows with every change of a tenant's name and settings; version grows with more than that.
ALTER TABLE tenant ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

-- What the console keeps for browsers, sealed under keys that only they hold: tokens, and what
-- is shown once. id is derived from the same secret.
CREATE TABLE console_row (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    sealed     TEXT   NOT NULL, -- base64
    version    BIGINT NOT NULL DEFAULT 0,
    held_until BIGINT NOT NULL DEFAULT 0,
    ends_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX console_row_ends ON console_row (tenant_id, ends_at);

-- How a tenant's sign-in pages look: texts and colours, and the images that they name by hash.
CREATE TABLE branding (
    tenant_id   TEXT   NOT NULL PRIMARY KEY,
    modified_at BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    body        TEXT   NOT NULL
);
CREATE TABLE branding_image (
    tenant_id TEXT NOT NULL,
    slot      TEXT NOT NULL, -- bannerLogo, squareLogo, backgroundImage, favicon
    hash      TEXT NOT NULL,
    content   TEXT NOT NULL,
    PRIMARY KEY (tenant_id, slot)
);

-- A tenant's own words for mail: subject, body and notice of a kind in a language.
CREATE TABLE mail_template (
    tenant_id   TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    language    TEXT   NOT NULL, -- de-AT, or default
    modified_at BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, kind, language)
);

-- Lists with their filters that people saved for themselves.
CREATE TABLE saved_view (
    tenant_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    page       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    query      TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, id)
);

-- What a tenant's log amounts to, by days of the tenant's zone; day is its midnight as if in UTC.
CREATE TABLE tally (
    tenant_id TEXT   NOT NULL,
    day       BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    n         BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, day, name)
);
-- How far the log was counted: the position of the first entry that was not.
CREATE TABLE tally_mark (
    tenant_id TEXT   NOT NULL PRIMARY KEY,
    position  BIGINT NOT NULL
);
-- What counting has to remember of a person: their pass, and passes refused in a row.
CREATE TABLE tally_person (
    tenant_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    pass_id    TEXT   NOT NULL,
    works_at   BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    refused    BIGINT NOT NULL,
    refused_at BIGINT NOT NULL,
    alarm_at   BIGINT NOT NULL, -- refused_at once that were many, else 0
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX tally_person_alarm ON tally_person (tenant_id, alarm_at);

-- The state of each person and device as they were last looked at, and how many are in each.
-- kind: person, device.
CREATE TABLE census (
    tenant_id TEXT NOT NULL,
    kind      TEXT NOT NULL,
    object_id TEXT NOT NULL,
    state     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, kind, object_id)
);
CREATE INDEX census_state ON census (tenant_id, kind, state, object_id);
CREATE TABLE census_count (
    tenant_id TEXT   NOT NULL,
    kind      TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    n         BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kind, state)
);
-- Where the round that goes on is, when it began, and when the last whole one began.
CREATE TABLE census_mark (
    tenant_id TEXT   NOT NULL,
    kind      TEXT   NOT NULL,
    version   BIGINT NOT NULL,
    after_id  TEXT   NOT NULL,
    began_at  BIGINT NOT NULL,
    whole_at  BIGINT NOT NULL,
    ended_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kind)
);

-- Whether one object has a word is looked up as well as which objects have it.
DROP INDEX object_word_object;
CREATE INDEX object_word_object ON object_word (tenant_id, object_id, kind, property, word);

-- What Conditional Access is made of: policies, named locations, authentication strengths and
-- authentication contexts. access_version grows with every change of them, so that a replica
-- asks one row whether what it compiled is still right; it is the owner row of all rules.
CREATE TABLE access_rule (
    tenant_id  TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    body       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, kind, id)
);
CREATE TABLE access_version (
    tenant_id TEXT   NOT NULL PRIMARY KEY,
    version   BIGINT NOT NULL
);

-- How the people of a domain sign in at an identity provider elsewhere.
CREATE TABLE federation (
    tenant_id   TEXT   NOT NULL,
    domain      TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    modified_at BIGINT NOT NULL,
    version     BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, domain)
);
-- Which person of such a provider is who here. subject is what never changes about them there.
CREATE TABLE federated_identity (
    tenant_id TEXT   NOT NULL,
    domain    TEXT   NOT NULL,
    subject   TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, domain, subject)
);
CREATE UNIQUE INDEX federated_identity_user ON federated_identity (tenant_id, user_id, domain);
-- Applications that got a SAML assertion from a session, by which name they know the person.
CREATE TABLE saml_participant (
    tenant_id  TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    app_id     TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    name_id    TEXT   NOT NULL,
    format     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, session_id, app_id)
);
CREATE INDEX saml_participant_name ON saml_participant (tenant_id, app_id, name_id);
CREATE INDEX saml_participant_end ON saml_participant (tenant_id, expires_at);

-- Work to be done once, on whichever replica comes first. state: waiting, done, dead.
CREATE TABLE job (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    unique_key  TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    lease_until BIGINT NOT NULL DEFAULT 0,
    attempts    BIGINT NOT NULL DEFAULT 0,
    last_error  TEXT   NOT NULL DEFAULT '',
    ended_at    BIGINT NOT NULL DEFAULT 0,
    body        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX job_once ON job (tenant_id, kind, unique_key);
CREATE INDEX job_due ON job (tenant_id, state, due_at, id);
CREATE INDEX job_ended ON job (tenant_id, state, ended_at, id);
-- Passes on their way to somebody by a link that opens once. sealed takes the code in the link
-- and a key of the server to open, and is empty once it was opened or void.
CREATE TABLE handover (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    case_id    TEXT   NOT NULL,
    pass_id    TEXT   NOT NULL,
    owner_id   TEXT   NOT NULL,
    reader_id  TEXT   NOT NULL,
    code_hash  TEXT   NOT NULL,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    opened_at  BIGINT NOT NULL DEFAULT 0,
    void_at    BIGINT NOT NULL DEFAULT 0,
    refused    BIGINT NOT NULL DEFAULT 0,
    others     BIGINT NOT NULL DEFAULT 0, -- of those, by somebody who is not the reader
    method_by  BIGINT NOT NULL DEFAULT 0, -- until when the method was registered that opens it; 0 for any
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX handover_pass ON handover (tenant_id, pass_id);
CREATE INDEX handover_ends ON handover (tenant_id, ends_at);
-- What the source of an account or group calls it, and which source that is.
ALTER TABLE directory_user ADD COLUMN external_id TEXT NOT NULL DEFAULT '';
ALTER TABLE directory_user ADD COLUMN source TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX directory_user_external_id ON directory_user (tenant_id, external_id) WHERE external_id <> '';
CREATE INDEX directory_user_source ON directory_user (tenant_id, source, id);
ALTER TABLE directory_group ADD COLUMN external_id TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX directory_group_external_id ON directory_group (tenant_id, external_id) WHERE external_id <> '';
-- How each person stands who can sign in (recovery.State, whose order is that of how urgent it is),
-- and how many are in each state.
CREATE TABLE roster (
    tenant_id TEXT NOT NULL,
    user_id   TEXT NOT NULL,
    state     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX roster_state ON roster (tenant_id, state, user_id);
CREATE TABLE roster_count (
    tenant_id TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    n         BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, state)
);
-- Where the round is that goes on, by which rules, and when the last whole one began and ended.
CREATE TABLE roster_mark (
    tenant_id TEXT    NOT NULL PRIMARY KEY,
    version   BIGINT  NOT NULL,
    rules     TEXT    NOT NULL,
    rush      BOOLEAN NOT NULL,
    after_id  TEXT    NOT NULL,
    began_at  BIGINT  NOT NULL,
    whole_at  BIGINT  NOT NULL,
    ended_at  BIGINT  NOT NULL,
    since       BIGINT  NOT NULL,
    whole_since BIGINT  NOT NULL
);
-- The last ticket that was taken before people were looked at, and with which whoever the log told of was
-- looked at last. The round removes notes that are older than itself.
CREATE TABLE roster_ticket (
    tenant_id TEXT   NOT NULL PRIMARY KEY,
    n         BIGINT NOT NULL
);
CREATE TABLE roster_note (
    tenant_id TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    ticket    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

-- Cases of recovery. due_at is when one does something by itself, over_at when it ended; a time
-- that never comes is the greatest number. pass_id is empty before a pass is issued.
CREATE TABLE recovery_case (
    tenant_id TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    number    TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    pass_id   TEXT   NOT NULL,
    opened_at BIGINT NOT NULL,
    due_at    BIGINT NOT NULL,
    over_at   BIGINT NOT NULL,
    version   BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX recovery_case_number ON recovery_case (tenant_id, number);
CREATE UNIQUE INDEX recovery_case_pass ON recovery_case (tenant_id, pass_id) WHERE pass_id <> '';
CREATE INDEX recovery_case_opened ON recovery_case (tenant_id, opened_at, id);
CREATE INDEX recovery_case_user ON recovery_case (tenant_id, user_id, opened_at, id);
CREATE INDEX recovery_case_state ON recovery_case (tenant_id, state, opened_at, id);
CREATE INDEX recovery_case_due ON recovery_case (tenant_id, due_at);
CREATE INDEX recovery_case_over ON recovery_case (tenant_id, over_at);
-- When contact data of a person was last changed: what is new is no proof of who asks.
CREATE TABLE contact_change (
    tenant_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    property   TEXT   NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, property)
);
CREATE INDEX contact_change_end ON contact_change (tenant_id, changed_at);
-- Mail addresses that people got, or had for a while and lost (gone), a short time ago: who had one is still
-- told what happens to the account. Personal, and removed once ends_at is over.
CREATE TABLE address_change (
    tenant_id TEXT    NOT NULL,
    user_id   TEXT    NOT NULL,
    address   TEXT    NOT NULL,
    gone      BOOLEAN NOT NULL,
    ends_at   BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, user_id, address)
);
CREATE INDEX address_change_end ON address_change (tenant_id, ends_at);

-- People are found by the day they leave, which the first release kept in the body alone.
ALTER TABLE directory_user ADD COLUMN employee_leave_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX directory_user_leaving ON directory_user (tenant_id, employee_leave_at, id);

-- Lifecycle workflows. deleted_at, next_run_at and last_run_at are 0 when there is none; stamp
-- grows with every change. The body is the current version, which is also in lifecycle_version.
CREATE TABLE lifecycle_workflow (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    deleted_at  BIGINT NOT NULL,
    next_run_at BIGINT NOT NULL,
    last_run_at BIGINT NOT NULL,
    stamp       BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX lifecycle_workflow_next ON lifecycle_workflow (tenant_id, next_run_at);
CREATE TABLE lifecycle_version (
    tenant_id   TEXT   NOT NULL,
    workflow_id TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, workflow_id, version)
);
CREATE TABLE lifecycle_settings (
    tenant_id TEXT   NOT NULL PRIMARY KEY,
    stamp     BIGINT NOT NULL,
    body      TEXT   NOT NULL
);
CREATE TABLE lifecycle_extension (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    stamp      BIGINT NOT NULL,
    body       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

-- What workflows did. A run holds people, a person tasks. once says which date of the person it is
-- about, so that nobody is seen to twice for one; on demand it is the run.
CREATE TABLE lifecycle_run (
    tenant_id         TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    workflow_id       TEXT   NOT NULL,
    version           BIGINT NOT NULL,
    execution         TEXT   NOT NULL,
    status            TEXT   NOT NULL,
    scheduled_at      BIGINT NOT NULL,
    completed_at      BIGINT NOT NULL DEFAULT 0,
    updated_at        BIGINT NOT NULL,
    gathering         BIGINT NOT NULL,
    people            BIGINT NOT NULL DEFAULT 0,
    people_succeeded  BIGINT NOT NULL DEFAULT 0,
    people_failed     BIGINT NOT NULL DEFAULT 0,
    tasks             BIGINT NOT NULL DEFAULT 0,
    tasks_failed      BIGINT NOT NULL DEFAULT 0,
    tasks_unprocessed BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX lifecycle_run_workflow ON lifecycle_run (tenant_id, workflow_id, scheduled_at, id);
CREATE INDEX lifecycle_run_end ON lifecycle_run (tenant_id, scheduled_at);
CREATE TABLE lifecycle_person (
    tenant_id    TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    run_id       TEXT   NOT NULL,
    workflow_id  TEXT   NOT NULL,
    version      BIGINT NOT NULL,
    execution    TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    trigger_at   BIGINT NOT NULL,
    once         TEXT   NOT NULL,
    status       TEXT   NOT NULL,
    scheduled_at BIGINT NOT NULL,
    started_at   BIGINT NOT NULL DEFAULT 0,
    completed_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX lifecycle_person_once ON lifecycle_person (tenant_id, workflow_id, user_id, once);
CREATE INDEX lifecycle_person_workflow ON lifecycle_person (tenant_id, workflow_id, scheduled_at, id);
CREATE INDEX lifecycle_person_run ON lifecycle_person (tenant_id, run_id, scheduled_at, id);
CREATE INDEX lifecycle_person_end ON lifecycle_person (tenant_id, scheduled_at);
CREATE TABLE lifecycle_task (
    tenant_id      TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    person_id      TEXT   NOT NULL,
    run_id         TEXT   NOT NULL,
    sequence       BIGINT NOT NULL,
    status         TEXT   NOT NULL,
    failure_reason TEXT   NOT NULL DEFAULT '',
    created_at     BIGINT NOT NULL,
    started_at     BIGINT NOT NULL DEFAULT 0,
    completed_at   BIGINT NOT NULL DEFAULT 0,
    body           TEXT   NOT NULL, -- the task
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX lifecycle_task_person ON lifecycle_task (tenant_id, person_id, sequence);
CREATE INDEX lifecycle_task_run ON lifecycle_task (tenant_id, run_id, sequence, status);
CREATE INDEX lifecycle_task_end ON lifecycle_task (tenant_id, created_at);

-- Where a person signed in last, by coordinates, for a day.
CREATE TABLE last_sighting (
    tenant_id TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    spot      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX last_sighting_at ON last_sighting (tenant_id, at);
-- Webhooks: secret and previous_secret are sealed, previous_until is 0 without the second. How its
-- receiver does is apart, so that deliveries don't get in the way of events.
CREATE TABLE webhook (
    tenant_id       TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    stamp           BIGINT  NOT NULL,
    enabled         BOOLEAN NOT NULL,
    secret          TEXT    NOT NULL,
    previous_secret TEXT    NOT NULL DEFAULT '',
    previous_until  BIGINT  NOT NULL DEFAULT 0,
    body            TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE webhook_health (
    tenant_id    TEXT   NOT NULL,
    webhook_id   TEXT   NOT NULL,
    failures     BIGINT NOT NULL,
    paused_until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, webhook_id)
);
CREATE TABLE webhook_delivery (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    webhook_id TEXT   NOT NULL,
    type       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    ended_at   BIGINT NOT NULL DEFAULT 0,
    round      BIGINT NOT NULL DEFAULT 0,
    tries      TEXT   NOT NULL DEFAULT '[]', -- when, how long, what was answered
    body       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX webhook_delivery_of ON webhook_delivery (tenant_id, webhook_id, created_at, id);
CREATE INDEX webhook_delivery_state ON webhook_delivery (tenant_id, webhook_id, state, created_at, id);
CREATE INDEX webhook_delivery_end ON webhook_delivery (tenant_id, created_at);

-- What wallets were asked for in recovery cases, and whether the answer was about the person; nothing
-- of what a credential says.
CREATE TABLE presentation (
    tenant_id   TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    case_id     TEXT    NOT NULL,
    holder      TEXT    NOT NULL, -- keyed hash of the browser that asked
    asked_from  TEXT    NOT NULL,
    created_at  BIGINT  NOT NULL,
    ends_at     BIGINT  NOT NULL,
    refused     BIGINT  NOT NULL DEFAULT 0,
    answered_at BIGINT  NOT NULL DEFAULT 0,
    code_hash   TEXT    NOT NULL DEFAULT '',
    about       BOOLEAN NOT NULL DEFAULT FALSE,
    reference   TEXT    NOT NULL DEFAULT '',
    taken_at    BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX presentation_end ON presentation (tenant_id, ends_at);
-- Rehearsals of recovery. A quarter has one sample. A practice pass is kept as a hash in the body
-- of its practice, and nowhere that a pass is looked for; due_at is the greatest number once a
-- practice is over.
CREATE TABLE drill (
    tenant_id TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    kind      TEXT   NOT NULL,
    quarter   TEXT   NOT NULL,
    began_at  BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX drill_sample ON drill (tenant_id, quarter) WHERE kind = 'sample';
CREATE INDEX drill_began ON drill (tenant_id, began_at, id);
CREATE INDEX drill_quarter ON drill (tenant_id, quarter, began_at, id);
CREATE INDEX drill_kind ON drill (tenant_id, kind, began_at, id);
CREATE INDEX drill_end ON drill (tenant_id, ends_at);
CREATE TABLE drill_practice (
    tenant_id TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    drill_id  TEXT   NOT NULL,
    user_id   TEXT   NOT NULL,
    quarter   TEXT   NOT NULL,
    state     TEXT   NOT NULL,
    ends_at   BIGINT NOT NULL,
    due_at    BIGINT NOT NULL,
    version   BIGINT NOT NULL,
    body      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX drill_practice_drill ON drill_practice (tenant_id, drill_id, user_id);
CREATE INDEX drill_practice_user ON drill_practice (tenant_id, user_id, quarter);
CREATE INDEX drill_practice_due ON drill_practice (tenant_id, due_at);
CREATE INDEX drill_practice_end ON drill_practice (tenant_id, ends_at);
