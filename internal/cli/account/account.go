// Package account keeps the sign-in of a person between commands: a file for each server, in
// the person's own folder for settings, which only they can read. How tokens are got and
// renewed is package graphclient's.
package account

import (
	"encoding/json"
	"time"

	"github.com/postern-id/postern/internal/fault"
	"github.com/postern-id/postern/internal/graphclient"
)

// ErrUnsafe says that others could read or change what is kept.
var ErrUnsafe = &fault.Error{
	Kind: fault.Forbidden, Code: "signInFileUnsafe",
	Text:   "The file of your sign-in is open to other people of this machine.",
	Remedy: "Sign in again: postern logout, then postern login. Whoever read the file may have your sign-in until then.",
}

// ErrBroken says that the file can't be read as one of ours.
var ErrBroken = &fault.Error{
	Kind: fault.Invalid, Code: "signInFileBroken",
	Text: "The file of your sign-in is damaged.", Remedy: "Sign in again: postern login",
}

// ErrBusy says that another command holds the sign-in for long.
var ErrBusy = &fault.Error{
	Kind: fault.Unavailable, Code: "signInRenewing",
	Text: "Another postern command is renewing this sign-in.", Remedy: "Try again when it is done.",
}

// An Account is one person at one server.
type Account struct {
	Server   string // base address
	Graph    string // base address; Server unless another Graph was named
	CA       string // path of a CA to trust; may be empty
	ClientID string
	Scope    string
	Since    time.Time // when they signed in
	Key      *graphclient.Key
	Tokens   graphclient.Tokens
}

// file is Account as it is written.
type file struct {
	Version      int             `json:"version"`
	Server       string          `json:"server"`
	Graph        string          `json:"graph"`
	CA           string          `json:"ca,omitempty"`
	ClientID     string          `json:"clientId"`
	Scope        string          `json:"scope"`
	Since        time.Time       `json:"since"`
	Tenant       string          `json:"tenantId"`
	User         string          `json:"userId"`
	Username     string          `json:"userPrincipalName"`
	Name         string          `json:"displayName"`
	Access       string          `json:"accessToken"`
	Until        time.Time       `json:"accessTokenUntil"`
	Refresh      string          `json:"refreshToken,omitempty"`
	RefreshUntil time.Time       `json:"refreshTokenUntil,omitzero"`
	Key          json.RawMessage `json:"key,omitempty"`
}

const fileVersion = 1

func (a Account) encode() ([]byte, error) {
	f := file{
		Version: fileVersion, Server: a.Server, Graph: a.Graph, CA: a.CA, ClientID: a.ClientID, Scope: a.Scope, Since: a.Since.UTC(),
		Tenant: a.Tokens.ID.Tenant, User: a.Tokens.ID.User, Username: a.Tokens.ID.Username, Name: a.Tokens.ID.Name,
		Access: a.Tokens.Access.Reveal(), Until: a.Tokens.Until.UTC(),
		Refresh: a.Tokens.Refresh.Reveal(), RefreshUntil: a.Tokens.RefreshUntil.UTC(),
	}
	if a.Key != nil {
		var err error
		if f.Key, err = a.Key.Export(); err != nil {
			return nil, err
		}
	}
	return json.MarshalIndent(f, "", "  ")
}

func decode(raw []byte) (Account, error) {
	var f file
	if err := json.Unmarshal(raw, &f); err != nil || f.Version != fileVersion || f.Server == "" || f.Access == "" {
		return Account{}, ErrBroken
	}
	a := Account{
		Server: f.Server, Graph: f.Graph, CA: f.CA, ClientID: f.ClientID, Scope: f.Scope, Since: f.Since,
		Tokens: graphclient.Tokens{
			Access: graphclient.NewSecret(f.Access), Until: f.Until, Refresh: graphclient.NewSecret(f.Refresh), RefreshUntil: f.RefreshUntil,
			ID: graphclient.Identity{Tenant: f.Tenant, User: f.User, Username: f.Username, Name: f.Name},
		},
	}
	if len(f.Key) > 0 {
		var err error
		if a.Key, err = graphclient.ImportKey(f.Key); err != nil {
			return Account{}, ErrBroken
		}
		a.Tokens.Bound = true
	}
	return a, nil
}
