-- The first schema. Types and SQL stay within what SQLite, PostgreSQL and engines that speak
-- PostgreSQL share: TEXT, BIGINT, BOOLEAN. Times are microseconds since 1970 in UTC, 0 when not
-- set; bytes are base64url; documents are JSON. The tenant leads every key (docs/storage.md).

-- +goose Up

-- What belongs to this store and not to a tenant: release, incarnation, time mark.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- The one table that is looked up without a tenant: verified domains and client ids.
CREATE TABLE route (
    kind      TEXT NOT NULL,
    name      TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    PRIMARY KEY (kind, name, tenant_id)
);

CREATE TABLE tenant (
    tenant_id    TEXT   NOT NULL PRIMARY KEY,
    display_name TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    version      BIGINT NOT NULL DEFAULT 0,
    body         TEXT   NOT NULL
);

CREATE TABLE tenant_domain (
    tenant_id  TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    is_default BOOLEAN NOT NULL,
    is_initial BOOLEAN NOT NULL,
    created_at BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Signing keys, peppers, derivation secrets and checkpoint keys, sealed under the master key.
CREATE TABLE tenant_key (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    public_key TEXT   NOT NULL,
    sealed_key TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    active_at  BIGINT NOT NULL,
    retired_at BIGINT NOT NULL DEFAULT 0,
    remove_at  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE directory_user (
    tenant_id          TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    user_principal_name TEXT   NOT NULL, -- lower case; unique among users that are not deleted
    display_name       TEXT    NOT NULL, -- lower case, as all that is filtered by
    given_name         TEXT    NOT NULL,
    surname            TEXT    NOT NULL,
    mail               TEXT    NOT NULL,
    mail_nickname      TEXT    NOT NULL,
    employee_id        TEXT    NOT NULL,
    department         TEXT    NOT NULL,
    job_title          TEXT    NOT NULL,
    user_type          TEXT    NOT NULL,
    account_enabled    BOOLEAN NOT NULL,
    employee_hire_at   BIGINT  NOT NULL,
    on_premises_sync   BOOLEAN NOT NULL,
    created_at         BIGINT  NOT NULL,
    manager_id         TEXT    NOT NULL DEFAULT '',
    sessions_valid_from BIGINT NOT NULL DEFAULT 0,
    version            BIGINT  NOT NULL DEFAULT 0,
    body               TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX directory_user_upn ON directory_user (tenant_id, user_principal_name);
CREATE INDEX directory_user_display_name ON directory_user (tenant_id, display_name, id);
CREATE INDEX directory_user_given_name ON directory_user (tenant_id, given_name, id);
CREATE INDEX directory_user_surname ON directory_user (tenant_id, surname, id);
CREATE INDEX directory_user_mail ON directory_user (tenant_id, mail, id);
CREATE INDEX directory_user_mail_nickname ON directory_user (tenant_id, mail_nickname, id);
CREATE INDEX directory_user_employee_id ON directory_user (tenant_id, employee_id, id);
CREATE INDEX directory_user_department ON directory_user (tenant_id, department, id);
CREATE INDEX directory_user_job_title ON directory_user (tenant_id, job_title, id);
CREATE INDEX directory_user_type ON directory_user (tenant_id, user_type, id);
CREATE INDEX directory_user_enabled ON directory_user (tenant_id, account_enabled, id);
CREATE INDEX directory_user_hired ON directory_user (tenant_id, employee_hire_at, id);
CREATE INDEX directory_user_synced ON directory_user (tenant_id, on_premises_sync, id);
CREATE INDEX directory_user_created ON directory_user (tenant_id, created_at, id);
CREATE INDEX directory_user_manager ON directory_user (tenant_id, manager_id, id);

-- One row a word of a searchable property, for $search; lower case.
CREATE TABLE object_word (
    tenant_id TEXT NOT NULL,
    kind      TEXT NOT NULL,
    property  TEXT NOT NULL,
    word      TEXT NOT NULL,
    object_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, kind, property, word, object_id)
);
CREATE INDEX object_word_object ON object_word (tenant_id, object_id);

CREATE TABLE directory_group (
    tenant_id      TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    display_name   TEXT    NOT NULL,
    mail_nickname  TEXT    NOT NULL,
    role_assignable BOOLEAN NOT NULL,
    created_at     BIGINT  NOT NULL,
    version        BIGINT  NOT NULL DEFAULT 0,
    body           TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX directory_group_display_name ON directory_group (tenant_id, display_name, id);
CREATE INDEX directory_group_mail_nickname ON directory_group (tenant_id, mail_nickname, id);
CREATE INDEX directory_group_created ON directory_group (tenant_id, created_at, id);

-- relation: member or owner. object_kind: user, group, servicePrincipal, device.
CREATE TABLE group_link (
    tenant_id   TEXT NOT NULL,
    group_id    TEXT NOT NULL,
    relation    TEXT NOT NULL,
    object_id   TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    PRIMARY KEY (tenant_id, group_id, relation, object_id)
);
CREATE INDEX group_link_object ON group_link (tenant_id, object_id, relation, group_id);

CREATE TABLE role_assignment (
    tenant_id      TEXT NOT NULL,
    id             TEXT NOT NULL,
    principal_id   TEXT NOT NULL,
    principal_kind TEXT NOT NULL,
    role_id        TEXT NOT NULL,
    scope          TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX role_assignment_once ON role_assignment (tenant_id, principal_id, role_id, scope);
CREATE INDEX role_assignment_role ON role_assignment (tenant_id, role_id, id);

CREATE TABLE application (
    tenant_id    TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    app_id       TEXT   NOT NULL,
    display_name TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    version      BIGINT NOT NULL DEFAULT 0,
    body         TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX application_app_id ON application (tenant_id, app_id);
CREATE INDEX application_display_name ON application (tenant_id, display_name, id);
CREATE INDEX application_created ON application (tenant_id, created_at, id);

CREATE TABLE application_secret (
    tenant_id      TEXT   NOT NULL,
    application_id TEXT   NOT NULL,
    key_id         TEXT   NOT NULL,
    secret_hash    TEXT   NOT NULL,
    hint           TEXT   NOT NULL,
    display_name   TEXT   NOT NULL,
    start_at       BIGINT NOT NULL,
    end_at         BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, application_id, key_id)
);

CREATE TABLE service_principal (
    tenant_id       TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    app_id          TEXT    NOT NULL,
    display_name    TEXT    NOT NULL,
    account_enabled BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL,
    version         BIGINT  NOT NULL DEFAULT 0,
    body            TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX service_principal_app_id ON service_principal (tenant_id, app_id);
CREATE INDEX service_principal_display_name ON service_principal (tenant_id, display_name, id);
CREATE INDEX service_principal_created ON service_principal (tenant_id, created_at, id);

CREATE TABLE app_role_assignment (
    tenant_id      TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    principal_id   TEXT   NOT NULL,
    principal_kind TEXT   NOT NULL,
    resource_id    TEXT   NOT NULL,
    app_role_id    TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX app_role_assignment_once ON app_role_assignment (tenant_id, principal_id, resource_id, app_role_id);
CREATE INDEX app_role_assignment_resource ON app_role_assignment (tenant_id, resource_id, id);

CREATE TABLE permission_grant (
    tenant_id    TEXT NOT NULL,
    id           TEXT NOT NULL,
    client_id    TEXT NOT NULL, -- service principal
    consent_type TEXT NOT NULL, -- AllPrincipals or Principal
    principal_id TEXT NOT NULL,
    resource_id  TEXT NOT NULL, -- service principal
    scope        TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX permission_grant_once ON permission_grant (tenant_id, client_id, resource_id, consent_type, principal_id);

-- Users, groups and applications that can be brought back for 30 days.
CREATE TABLE deleted_object (
    tenant_id    TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    display_name TEXT   NOT NULL,
    deleted_at   BIGINT NOT NULL,
    body         TEXT   NOT NULL, -- the object
    links        TEXT   NOT NULL, -- its memberships, assignments, manager
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX deleted_object_kind ON deleted_object (tenant_id, kind, id);
CREATE INDEX deleted_object_when ON deleted_object (tenant_id, deleted_at);

CREATE TABLE policy (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    body        TEXT   NOT NULL,
    modified_at BIGINT NOT NULL,
    version     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id)
);

-- One pass a person: user_id is the key.
CREATE TABLE tap (
    tenant_id      TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    pepper_id      TEXT    NOT NULL,
    passcode_hash  TEXT    NOT NULL,
    incarnation    TEXT    NOT NULL,
    created_at     BIGINT  NOT NULL,
    start_at       BIGINT  NOT NULL,
    end_at         BIGINT  NOT NULL,
    single_use     BOOLEAN NOT NULL,
    bootstrap      BOOLEAN NOT NULL,
    used_at        BIGINT  NOT NULL DEFAULT 0,
    reserved_for   TEXT    NOT NULL DEFAULT '',
    reserved_until BIGINT  NOT NULL DEFAULT 0,
    expiry_noted   BOOLEAN NOT NULL DEFAULT FALSE,
    body           TEXT    NOT NULL, -- issuer, reason, ticket, purpose
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX tap_end ON tap (tenant_id, end_at);

CREATE TABLE signin_transaction (
    tenant_id  TEXT   NOT NULL, -- the nil UUID while the tenant is not known
    id         TEXT   NOT NULL,
    secret_hash TEXT  NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version    BIGINT NOT NULL DEFAULT 0,
    body       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX signin_transaction_expiry ON signin_transaction (tenant_id, expires_at);

-- Failures a bucket, shared by all replicas.
CREATE TABLE throttle (
    tenant_id    TEXT   NOT NULL,
    bucket       TEXT   NOT NULL,
    failures     BIGINT NOT NULL,
    window_at    BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    lock_level   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, bucket)
);
CREATE INDEX throttle_updated ON throttle (tenant_id, updated_at);

-- Browsers (and later devices) in which a person signed in before.
CREATE TABLE familiar_place (
    tenant_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    place_hash TEXT   NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, place_hash)
);
CREATE INDEX familiar_place_last ON familiar_place (tenant_id, last_at);

CREATE TABLE session (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    user_id     TEXT   NOT NULL,
    secret_hash TEXT   NOT NULL,
    pass_id     TEXT   NOT NULL DEFAULT '',
    purpose     TEXT   NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    ended_at    BIGINT NOT NULL DEFAULT 0,
    body        TEXT   NOT NULL, -- proofs, address, browser, persistence
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX session_owner ON session (tenant_id, user_id, created_at);
CREATE INDEX session_expiry ON session (tenant_id, expires_at);

-- All tokens that come from one authorization; ending the row ends them all.
CREATE TABLE token_family (
    tenant_id  TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    session_id TEXT   NOT NULL,
    app_id     TEXT   NOT NULL,
    pass_id    TEXT   NOT NULL DEFAULT '',
    purpose    TEXT   NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL DEFAULT 0,
    end_reason TEXT   NOT NULL DEFAULT '',
    body       TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX token_family_user ON token_family (tenant_id, user_id, created_at);
CREATE INDEX token_family_session ON token_family (tenant_id, session_id);
CREATE INDEX token_family_expiry ON token_family (tenant_id, expires_at);

-- kind: code or refresh. used_at is set by the first use; a second use ends the family.
CREATE TABLE single_use_token (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    family_id   TEXT   NOT NULL,
    secret_hash TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL DEFAULT 0,
    body        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX single_use_token_family ON single_use_token (tenant_id, family_id);
CREATE INDEX single_use_token_expiry ON single_use_token (tenant_id, expires_at);

CREATE TABLE device_code (
    tenant_id      TEXT   NOT NULL, -- the nil UUID while the tenant is not known
    id             TEXT   NOT NULL,
    secret_hash    TEXT   NOT NULL,
    user_code_hash TEXT   NOT NULL,
    app_id         TEXT   NOT NULL,
    state          TEXT   NOT NULL, -- pending, approved, declined, redeemed
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    version        BIGINT NOT NULL DEFAULT 0,
    body           TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX device_code_user_code ON device_code (tenant_id, user_code_hash);
CREATE INDEX device_code_expiry ON device_code (tenant_id, expires_at);

CREATE TABLE pushed_request (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    secret_hash TEXT   NOT NULL,
    app_id      TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT NOT NULL DEFAULT 0,
    body        TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX pushed_request_expiry ON pushed_request (tenant_id, expires_at);

-- Ids that may be seen once: DPoP proofs, client assertions.
CREATE TABLE seen_id (
    tenant_id TEXT   NOT NULL,
    kind      TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    until_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kind, id)
);
CREATE INDEX seen_id_until ON seen_id (tenant_id, until_at);

-- Sign-in and audit log. position is the place in the sealed tree, -1 until sealed.
CREATE TABLE event (
    tenant_id      TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    kind           TEXT   NOT NULL,
    at             BIGINT NOT NULL,
    position       BIGINT NOT NULL DEFAULT -1,
    body           TEXT   NOT NULL,
    personal       TEXT   NOT NULL,
    event_type     TEXT   NOT NULL DEFAULT '',
    user_id        TEXT   NOT NULL DEFAULT '',
    user_principal_name TEXT NOT NULL DEFAULT '',
    user_display_name   TEXT NOT NULL DEFAULT '',
    app_id         TEXT   NOT NULL DEFAULT '',
    app_display_name    TEXT NOT NULL DEFAULT '',
    ip_address     TEXT   NOT NULL DEFAULT '',
    client_app_used TEXT  NOT NULL DEFAULT '',
    error_code     BIGINT NOT NULL DEFAULT 0,
    correlation_id TEXT   NOT NULL DEFAULT '',
    activity       TEXT   NOT NULL DEFAULT '',
    category       TEXT   NOT NULL DEFAULT '',
    service        TEXT   NOT NULL DEFAULT '',
    actor_user_id  TEXT   NOT NULL DEFAULT '',
    actor_user_principal_name TEXT NOT NULL DEFAULT '',
    actor_app_id   TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX event_newest ON event (tenant_id, kind, at, id);
CREATE INDEX event_user ON event (tenant_id, kind, user_id, at, id);
CREATE INDEX event_upn ON event (tenant_id, kind, user_principal_name, at, id);
CREATE INDEX event_app ON event (tenant_id, kind, app_id, at, id);
CREATE INDEX event_address ON event (tenant_id, kind, ip_address, at, id);
CREATE INDEX event_error ON event (tenant_id, kind, error_code, at, id);
CREATE INDEX event_correlation ON event (tenant_id, kind, correlation_id, at, id);
CREATE INDEX event_activity ON event (tenant_id, kind, activity, at, id);
CREATE INDEX event_category ON event (tenant_id, kind, category, at, id);
CREATE INDEX event_actor ON event (tenant_id, kind, actor_user_id, at, id);
CREATE INDEX event_actor_app ON event (tenant_id, kind, actor_app_id, at, id);
CREATE INDEX event_position ON event (tenant_id, position);

CREATE TABLE event_target (
    tenant_id TEXT   NOT NULL,
    target_id TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    event_id  TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, target_id, at, event_id)
);
CREATE INDEX event_target_event ON event_target (tenant_id, event_id);

CREATE TABLE log_head (
    tenant_id TEXT   NOT NULL PRIMARY KEY,
    epoch     BIGINT NOT NULL,
    size      BIGINT NOT NULL,
    root      TEXT   NOT NULL
);

-- Hashes of the tree in the order in which they are stored (RFC 6962, tlog stored hashes);
-- one tree a tenant, through all epochs.
CREATE TABLE log_hash (
    tenant_id TEXT   NOT NULL,
    position  BIGINT NOT NULL,
    hash      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, position)
);

CREATE TABLE log_checkpoint (
    tenant_id TEXT   NOT NULL,
    size      BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    note      TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, size)
);

-- Mail to be sent. state: waiting, sent, dead.
CREATE TABLE outbox (
    tenant_id   TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    unique_key  TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    lease_until BIGINT NOT NULL DEFAULT 0,
    attempts    BIGINT NOT NULL DEFAULT 0,
    last_error  TEXT   NOT NULL DEFAULT '',
    sealed_mail TEXT   NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX outbox_once ON outbox (tenant_id, unique_key);
CREATE INDEX outbox_due ON outbox (tenant_id, state, due_at);
