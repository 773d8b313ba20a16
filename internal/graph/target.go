package graph

import (
	"strings"

	"github.com/postern-id/postern/internal/directory"
	"github.com/postern-id/postern/internal/graph/odata"
)

// person finds the user that {id} names, by object id or UPN, and what May must know of them.
func person(a *API, c *call) (directory.Target, error) {
	key, err := odata.ParseKey(c.r.PathValue("id"))
	if err != nil {
		return directory.Target{}, err
	}
	switch {
	case key.Property != "" && !strings.EqualFold(key.Property, "userPrincipalName"):
		return directory.Target{}, directory.ErrUserUnknown
	case key.Property == "" && directory.IsID(key.Value):
		c.user, err = a.Store.User(c.ctx(), c.tenant.ID, directory.UserID(strings.ToLower(key.Value)))
	default:
		c.user, err = a.Store.UserByName(c.ctx(), c.tenant.ID, key.Value)
	}
	if err != nil {
		return directory.Target{}, err
	}
	return a.Store.TargetOf(c.ctx(), c.tenant.ID, c.user.ID)
}
