package graph

import (
	"encoding/base64"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

const (
	// secretBytes is how much chance is in a secret, which is made here and never chosen.
	secretBytes = 32
	// secretLabel is the label under which package oauth hashes client secrets.
	secretLabel = "client secret"
	// secretYears is how long a secret works when nobody says, as at Graph.
	secretYears = 2
)

// addPassword serves POST /applications/{id}/addPassword. The secret is in the answer and
// nowhere else. https://learn.microsoft.com/graph/api/application-addpassword
func (a *API) addPassword(c *call) error {
	if c.app.AppID.BuiltIn() {
		return directory.ErrApplicationBuiltIn
	}
	s, err := a.readSecret(c)
	if err != nil {
		return err
	}
	raw := make([]byte, secretBytes)
	if _, err := io.ReadFull(a.Rand, raw); err != nil {
		return err
	}
	secret := base64.RawURLEncoding.EncodeToString(raw)
	s.KeyID, s.Hint = uuid.NewString(), secret[:3]
	if s.Hash, err = a.Secrets.MAC(c.ctx(), string(c.tenant.ID), secretLabel, []byte(secret)); err != nil {
		return err
	}
	if err := a.Store.AddSecret(c.ctx(), c.app, s, a.secretEvent(c, s, "", s.KeyID)); err != nil {
		return err
	}
	e := secretResource(s)
	for i := range e {
		if e[i].Name == "secretText" {
			e[i].Value = secret
		}
	}
	return odata.WriteEntity(c.w, 200, a.root(c).Collection("microsoft.graph.passwordCredential", nil), e)
}

func (a *API) readSecret(c *call) (directory.Secret, error) {
	s := directory.Secret{}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{AllowEmpty: true})
	if err != nil {
		return s, err
	}
	if o := body.Object("passwordCredential"); o != nil {
		o.String("displayName", &s.DisplayName)
		o.Time("startDateTime", &s.StartAt)
		o.Time("endDateTime", &s.EndAt)
		o.NotKept("customKeyIdentifier", "hint", "keyId", "secretText") // nobody chooses a secret
	}
	if err := body.Done(); err != nil {
		return s, err
	}
	if s.StartAt.IsZero() {
		s.StartAt = a.Now().UTC().Truncate(time.Second)
	}
	if s.EndAt.IsZero() {
		s.EndAt = s.StartAt.AddDate(secretYears, 0, 0)
	}
	return s, s.Check()
}

// removePassword serves POST /applications/{id}/removePassword. Tokens that the application
// got by the secret end at once here.
func (a *API) removePassword(c *call) error {
	if c.app.AppID.BuiltIn() {
		return directory.ErrApplicationBuiltIn
	}
	body, err := odata.ReadJSON(c.r, odata.BodyOptions{})
	if err != nil {
		return err
	}
	var id string
	body.String("keyId", &id)
	if err := body.Done(); err != nil {
		return err
	}
	id = strings.ToLower(id)
	if err := a.Store.RemoveSecret(c.ctx(), c.app, id, a.secretEvent(c, directory.Secret{}, id, "")); err != nil {
		return err
	}
	odata.WriteNothing(c.w)
	return nil
}

// secretEvent names the ids of a secret only.
func (a *API) secretEvent(c *call, s directory.Secret, old, fresh string) audit.Event {
	change := audit.ModifiedProperty{DisplayName: "KeyDescription", OldValue: quoted(old), NewValue: quoted(fresh)}
	if s.DisplayName != "" {
		change.NewValue = quoted(fresh + " " + s.DisplayName)
	}
	return a.applicationEvent(c, audit.UpdateApplicationSecrets, audit.OperationUpdate, c.app, []audit.ModifiedProperty{change})
}
