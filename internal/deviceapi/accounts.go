package deviceapi

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/directory"
)

// The numbers of a tenant's people and groups on Linux: above those of local accounts, below
// those of containers (systemd, "Users, Groups, UIDs and GIDs on systemd Systems").
const (
	firstNumber = 200000
	lastNumber  = 499999
)

// account serves GET /device/v1/{tenant}/accounts/{name}: a person by user name, number or
// object id.
func (a *API) account(c *call) (int, any, error) {
	user, err := a.find(c)
	if err == nil && !mayKnow(c.device, user.ID) {
		err = directory.ErrUserUnknown
	}
	if err != nil {
		return 0, nil, err
	}
	out, err := a.accountOf(c, user)
	return http.StatusOK, out, err
}

// mayKnow reports whether d may read about a person. A joined device knows everybody, as each
// of them may sign in on it; one that is registered belongs to a person, and knows them alone.
func mayKnow(d directory.Device, user directory.UserID) bool {
	return d.TrustType != directory.TrustRegistered || user == d.Owner
}

func (a *API) find(c *call) (directory.User, error) {
	ctx, name := c.Context(), strings.ToLower(c.Request.PathValue("name"))
	if number, err := strconv.ParseInt(name, 10, 64); err == nil {
		id, err := a.Store.ObjectOfNumber(ctx, c.Tenant.ID, number)
		if err != nil {
			return directory.User{}, err
		}
		name = id
	}
	if directory.IsID(name) {
		return a.Store.User(ctx, c.Tenant.ID, directory.UserID(name))
	}
	if !strings.Contains(name, "@") {
		local, domain, other := strings.Cut(name, "+") // see userName; a name itself has no plus
		if !other {
			domain = c.Tenant.DefaultDomain()
		}
		name = local + "@" + domain
	}
	return a.Store.UserByName(ctx, c.Tenant.ID, name)
}

// accountOf returns a person as a device knows people, with a number that is theirs for ever.
func (a *API) accountOf(c *call, user directory.User) (device.Account, error) {
	ctx := c.Context()
	number, err := a.Store.AccountNumber(ctx, c.Tenant.ID, string(user.ID), firstNumber, lastNumber)
	if err != nil {
		return device.Account{}, err
	}
	name := userName(c.Tenant, user)
	out := device.Account{
		ID: string(user.ID), UserName: name, UPN: user.UserPrincipalName, DisplayName: user.DisplayName,
		UID: uint32(number), GID: uint32(number), Home: "/home/" + name, Shell: "/bin/bash", Enabled: user.AccountEnabled,
	}
	out.Groups, err = a.groupsOf(ctx, c.Tenant, user)
	return out, err
}

// userName is the name of a person on devices: the part before the @ in the tenant's default
// domain, and the whole name, with a plus for the @, in others, so that two never share one.
func userName(t directory.Tenant, user directory.User) string {
	local, domain, _ := strings.Cut(strings.ToLower(user.UserPrincipalName), "@")
	if domain == t.DefaultDomain() {
		return local
	}
	return local + "+" + domain
}

func (a *API) groupsOf(ctx context.Context, tenant directory.Tenant, user directory.User) ([]device.AccountGroup, error) {
	in, err := a.Store.GroupsOf(ctx, tenant.ID, string(user.ID))
	if err != nil {
		return nil, err
	}
	var all []device.AccountGroup
	for id := range in {
		g, err := a.Store.Group(ctx, tenant.ID, id)
		if errors.Is(err, directory.ErrGroupUnknown) {
			continue
		}
		if err != nil {
			return nil, err
		}
		one, err := a.groupOf(ctx, tenant, g)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all, nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9_-]+`)

func (a *API) groupOf(ctx context.Context, tenant directory.Tenant, g directory.Group) (device.AccountGroup, error) {
	number, err := a.Store.AccountNumber(ctx, tenant.ID, string(g.ID), firstNumber, lastNumber)
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(g.DisplayName), "-"), "-")
	// Groups may share a display name; the number keeps their names apart.
	return device.AccountGroup{ID: string(g.ID), Name: name + "-" + strconv.FormatInt(number, 10), GID: uint32(number)}, err
}

// group serves GET /device/v1/{tenant}/groups/{name}: a group by number or object id.
func (a *API) group(c *call) (int, any, error) {
	ctx, name := c.Context(), strings.ToLower(c.Request.PathValue("name"))
	if number, err := strconv.ParseInt(name, 10, 64); err == nil {
		if name, err = a.Store.ObjectOfNumber(ctx, c.Tenant.ID, number); err != nil {
			return 0, nil, err
		}
	}
	g, err := a.Store.Group(ctx, c.Tenant.ID, directory.GroupID(name))
	if err == nil {
		err = a.mayKnowGroup(c, g.ID)
	}
	if err != nil {
		return 0, nil, err
	}
	out, err := a.groupOf(ctx, c.Tenant, g)
	return http.StatusOK, out, err
}

// mayKnowGroup refuses a registered device the groups that its owner is not in.
func (a *API) mayKnowGroup(c *call, id directory.GroupID) error {
	if c.device.TrustType != directory.TrustRegistered {
		return nil
	}
	in, err := a.Store.GroupsOf(c.Context(), c.Tenant.ID, string(c.device.Owner))
	if err == nil && !in[id] {
		err = directory.ErrGroupUnknown
	}
	return err
}
