package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graph/odata"
	"github.com/postern-id/postern/internal/method"
	"github.com/postern-id/postern/internal/method/passkey"
	"github.com/postern-id/postern/internal/request"
	"github.com/postern-id/postern/internal/signin"
)

// ErrChallengeTimeout says how long a challenge may last.
var ErrChallengeTimeout = &fault.Error{
	Kind: fault.Invalid, Code: "challengeTimeoutInvalid", Target: "challengeTimeoutInMinutes",
	Text: "challengeTimeoutInMinutes is a whole number from 5 to 43200.",
}

// passkeys are the set fido2Methods.
// https://learn.microsoft.com/graph/api/resources/fido2authenticationmethod
var passkeys = credentialSet{
	segment: "fido2Methods", kind: passkey.MethodID, odataType: "fido2AuthenticationMethod",
	read: directory.ReadPasskey, remove: directory.DeletePasskey, policy: passkey.PolicyID,
	yield: func(c method.Credential, p methodPolicy, _ map[directory.GroupID]bool) signin.Yield {
		one, err := passkey.Read(c)
		if policy, ok := p.(*passkeyPolicy); err != nil || ok && policy.Admits(one.Key) != nil {
			return signin.Yield{}
		}
		return passkey.Method{}.Yield()
	},
	names: func(method.Credential) []string { return []string{"fido2"} },
	own: func(c method.Credential) (odata.Entity, error) {
		one, err := passkey.Read(c)
		if err != nil {
			return nil, err
		}
		key := one.Key
		level, kind := "notAttested", "deviceBound"
		if key.Attested {
			level = "attested"
		}
		if key.BackupEligible {
			kind = "synced"
		}
		list := func(all []string) []string { return append([]string{}, all...) }
		return odata.Entity{
			{Name: "displayName", Value: c.Name},
			{Name: "aaGuid", Value: key.AAGUID.String()},
			{Name: "model", Value: key.Model},
			{Name: "attestationCertificates", Value: list(key.Certificates)},
			{Name: "attestationLevel", Value: level},
			{Name: "passkeyType", Value: kind},
			{Name: "postern_isProvisioned", Value: key.Provisioned, OnSelect: true},
			{Name: "postern_transports", Value: list(key.Transports), OnSelect: true},
		}, nil
	},
}

// creationOptions serves GET /users/{id}/authentication/fido2Methods/creationOptions, with or
// without (challengeTimeoutInMinutes=…): what an authenticator is asked for, so that somebody
// who manages methods can make a key for the user.
// https://learn.microsoft.com/graph/api/fido2authenticationmethod-creationoptions
func (a *API) creationOptions(c *call) error {
	if err := a.mayRegister(c); err != nil {
		return err
	}
	lasting, err := challengeTimeout(c.r.PathValue("arguments"))
	if err != nil {
		return err
	}
	creation, end, err := a.Passkeys.Begin(c.ctx(), passkey.Beginning{Tenant: c.tenant, User: c.user, For: lasting})
	if err != nil {
		return err
	}
	e := a.event(c, audit.Change{
		Activity: audit.GetPasskeyOptions, Category: audit.CategoryUserManagement, Service: audit.ServiceAuthenticationMethods,
		Operation: audit.OperationUpdate, Targets: []audit.Target{userTarget(c.user)},
		ResultReason: fmt.Sprintf("Challenge for a new passkey, until %s", end.Format(time.RFC3339)),
	})
	if err := a.Store.Record(c.ctx(), e); err != nil {
		return err
	}
	return odata.WriteEntity(c.w, http.StatusOK, a.root(c).Collection("microsoft.graph.webauthnCredentialCreationOptions", nil), odata.Entity{
		{Name: "challengeTimeoutDateTime", Value: odata.Time(end)},
		{Name: "publicKey", Value: json.RawMessage(creation.JSON())},
	})
}

func challengeTimeout(arguments string) (time.Duration, error) {
	if arguments == "" {
		return 0, nil
	}
	keys, err := odata.ParseKeys(arguments)
	if err != nil || len(keys) > 1 {
		return 0, ErrChallengeTimeout
	}
	if len(keys) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(keys[0].Value)
	if err != nil || !strings.EqualFold(keys[0].Property, "challengeTimeoutInMinutes") || n < 5 || n > 43200 {
		return 0, ErrChallengeTimeout
	}
	return time.Duration(n) * time.Minute, nil
}

// createPasskey serves POST /users/{id}/authentication/fido2Methods: takes what the
// authenticator answered to creationOptions.
// https://learn.microsoft.com/graph/api/authentication-post-fido2methods
func (a *API) createPasskey(c *call) error {
	if err := a.mayRegister(c); err != nil {
		return err
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	mine := method.Credential{Origin: method.Origin{By: actorID(c), Address: request.From(c.ctx()).Address.String()}}
	body.String("displayName", &mine.Name)
	response := body.Raw("publicKeyCredential")
	for _, readOnly := range []string{"id", "createdDateTime", "aaGuid", "model", "attestationCertificates", "attestationLevel"} {
		_ = body.Raw(readOnly) // SDKs send back what they read
	}
	if err := body.Done(); err != nil {
		return err
	}
	if mine.Name == "" {
		return method.ErrName.With("displayName", "")
	}
	if len(response) == 0 {
		return passkey.ErrResponse.With("publicKeyCredential", "publicKeyCredential is missing.")
	}
	made, err := a.Passkeys.Finish(c.ctx(), passkey.Beginning{Tenant: c.tenant, User: c.user}, mine, response, nil, a.methodActor(c))
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Target == "" {
		err = f.With("publicKeyCredential", "")
	}
	if err != nil {
		return err
	}
	return odata.WriteCreated(c.w, a.root(c).Link("users", string(c.user.ID), "authentication", "fido2Methods", made.ID),
		a.root(c).Entity(passkeys.path(c), nil), passkeys.resource(made.Credential).Select(nil)[1:])
}

// actorID is the id of who calls.
func actorID(c *call) string {
	if c.actor.User != nil {
		return c.actor.User.ID
	}
	return c.actor.App.ServicePrincipalID
}
