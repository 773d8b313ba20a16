package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/postern-id/postern/internal/directory"
)

// maxName bounds a typed name, in bytes.
const maxName = 320

// Identify takes the typed name. Whether anybody has it shows nowhere.
func (s *Service) Identify(ctx context.Context, t Transaction, typed string, place Place) (Transaction, error) {
	if t.Done() {
		return t, nil
	}
	typed = strings.TrimSpace(typed)
	if t.DomainHint != "" && !strings.Contains(typed, "@") {
		typed += "@" + t.DomainHint
	}
	local, domain, ok := strings.Cut(typed, "@")
	if !ok || local == "" || domain == "" || len(typed) > maxName || strings.ContainsFunc(typed, unprintable) {
		return t, ErrName
	}
	home, err := s.home(ctx, t, domain)
	if err != nil {
		return t, err
	}
	t.Home, t.Username, t.User, t.DisplayName, t.Familiar, t.Last = home, typed, "", "", false, ""
	t = t.own()
	t.Proofs, t.OtherWays, t.Chosen, t.Stay, t.Blocked, t.Refused, t.Asked, t.Away = nil, false, "", nil, false, nil, t.Asked.over(), t.Away.over()
	if t.NameHash, err = s.Secrets.MAC(ctx, string(home), labelName, []byte(strings.ToLower(typed))); err != nil {
		return t, err
	}
	user, err := s.Store.UserByName(ctx, home, typed)
	if err == nil {
		t.User, t.DisplayName = user.ID, user.DisplayName
		t.Last, t.Familiar, err = s.familiar(ctx, t, place)
	}
	if err != nil && !errors.Is(err, directory.ErrUserUnknown) {
		return t, fmt.Errorf("look up a name: %w", err)
	}
	return s.save(ctx, t)
}

func unprintable(r rune) bool { return r < 0x20 || r == 0x7f }

// home returns the tenant that the name belongs to. At a tenant's own address it is always
// that tenant; a name of another one is unknown there.
func (s *Service) home(ctx context.Context, t Transaction, domain string) (directory.TenantID, error) {
	if t.Tenant != directory.NoTenant {
		return t.Tenant, nil
	}
	home, err := s.Store.TenantOf(ctx, strings.ToLower(domain))
	if errors.Is(err, directory.ErrTenantUnknown) {
		return "", ErrName.With("username", "No organisation here uses this domain.")
	}
	return home, err
}

// familiar reports whether this person signed in here before, and with which method last. On a
// joined device here is the device: its browser is a new one each time.
func (s *Service) familiar(ctx context.Context, t Transaction, place Place) (MethodID, bool, error) {
	if t.Device != nil {
		return s.Store.SignedInOn(ctx, t.Home, t.Device.ID, t.User)
	}
	hash, err := s.placeHash(ctx, t, place)
	if err != nil || hash == "" {
		return "", false, err
	}
	return s.Store.Familiar(ctx, t.Home, t.User, hash)
}

// placeHash names the place of t: the device, or the browser by its secret.
func (s *Service) placeHash(ctx context.Context, t Transaction, place Place) (string, error) {
	switch {
	case t.Device != nil:
		return s.Secrets.MAC(ctx, string(t.Home), labelDevice, []byte(t.Device.ID))
	case place.Browser == "":
		return "", nil
	}
	return s.Secrets.MAC(ctx, string(t.Home), labelPlace, []byte(place.Browser))
}

// Forget goes back to the name.
func (s *Service) Forget(ctx context.Context, t Transaction) (Transaction, error) {
	if t.Done() {
		return t, nil
	}
	t = t.own()
	t.LoginHint, t.Username, t.User, t.DisplayName, t.Familiar = t.Username, "", "", "", false
	t.Proofs, t.OtherWays, t.Chosen, t.Stay, t.SelectAccount, t.Blocked, t.Refused, t.Asked, t.Away = nil, false, "", nil, false, false, nil, t.Asked.over(), t.Away.over()
	return s.save(ctx, t)
}
