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
