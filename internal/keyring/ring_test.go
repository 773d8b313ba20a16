package keyring

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-id/postern/internal/audit"
)

var nine = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// memory is a Store.
type memory struct {
	mu    sync.Mutex
	keys  []Key
	reads int
	err   error
	read  func() // called, when set, between a read and its answer
}

func (m *memory) Keys(_ context.Context, tenant string) ([]Key, error) {
	m.mu.Lock()
	m.reads++
	var all []Key
	for _, k := range m.keys {
		if k.Tenant == tenant {
			all = append(all, k)
		}
	}
	err, read := m.err, m.read
	m.mu.Unlock()
	if read != nil {
		read()
	}
	return all, err
}

func (m *memory) FirstTenant(context.Context) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.keys) == 0 {
		return "", ErrNoKey
	}
	return m.keys[0].Tenant, nil
}

func (m *memory) ReplaceKey(_ context.Context, fresh Key, retire, remove time.Time, _ audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, k := range m.keys {
		if k.Tenant == fresh.Tenant && k.Purpose == fresh.Purpose && k.RetiredAt.IsZero() {
			m.keys[i].RetiredAt, m.keys[i].RemoveAt = retire, remove
		}
	}
	m.keys = append(m.keys, fresh)
	return nil
}

// newRing returns a ring of the tenants A and B with a key of each purpose but RS256, which
// takes long to make. The ring's clock is at *now.
func newRing(t *testing.T) (r *Ring, s *memory, now *time.Time) {
	t.Helper()
	at := nine
	s = &memory{}
	r = &Ring{Store: s, Wrapper: load(t, "", keyA), Now: func() time.Time { return at }}
	for _, tenant := range []string{"A", "B"} {
		for _, purpose := range []Purpose{ES256, Checkpoint, PassPepper, Derivation} {
			s.keys = append(s.keys, generated(t, r, tenant, purpose, nine, nine))
		}
	}
	return r, s, &at
}

func generated(t *testing.T, r *Ring, tenant string, purpose Purpose, created, active time.Time) Key {
	t.Helper()
	k, err := Generate(r.Wrapper, tenant, purpose, created, active)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestGeneratedKeysSignForTheirPublicPart(t *testing.T) {
	digest := sha256.Sum256([]byte("message"))
	onP256 := func(public any, signature []byte) bool {
		p, ok := public.(*ecdsa.PublicKey)
		return ok && p.Params().Name == "P-256" && ecdsa.VerifyASN1(p, digest[:], signature)
	}
	verify := map[Purpose]func(public any, signature []byte) bool{
		RS256: func(public any, signature []byte) bool {
			p, ok := public.(*rsa.PublicKey)
			return ok && p.Size() == 256 && rsa.VerifyPKCS1v15(p, crypto.SHA256, digest[:], signature) == nil
		},
		ES256: onP256, DeviceCA: onP256, DevicePolicy: onP256, WebPush: onP256,
		Checkpoint: func(public any, signature []byte) bool {
			p, ok := public.(ed25519.PublicKey)
			return ok && ed25519.Verify(p, []byte("message"), signature)
		},
	}
	r, s, _ := newRing(t)
	s.keys = append(s.keys, generated(t, r, "A", RS256, nine, nine))
	for _, purpose := range []Purpose{DeviceCA, DevicePolicy, PINReset, WebPush} {
		s.keys = append(s.keys, generated(t, r, "A", purpose, nine, nine))
	}
	for _, purpose := range Purposes {
		t.Run(string(purpose), func(t *testing.T) {
			check, signs := verify[purpose]
			if !signs {
				secret, _, err := r.Secret(t.Context(), "A", purpose, "")
				if err != nil || len(secret) != 32 {
					t.Errorf("Secret = %d bytes, %v; want 32", len(secret), err)
				}
				return
			}
			k, signer, err := r.Signer(t.Context(), "A", purpose)
			if err != nil {
				t.Fatal(err)
			}
			var signature []byte
			if purpose == Checkpoint {
				signature, err = signer.Sign(rand.Reader, []byte("message"), crypto.Hash(0))
			} else {
				signature, err = signer.Sign(rand.Reader, digest[:], crypto.SHA256)
			}
			if err != nil {
				t.Fatal(err)
			}
			public, err := x509.ParsePKIXPublicKey(k.Public)
			if err != nil || !check(public, signature) {
				t.Errorf("the public part, a %T (%v), doesn't verify", public, err)
			}
		})
	}
}

func TestGeneratedKeysCarryNoSecretInTheClear(t *testing.T) {
	r, s, _ := newRing(t)
	for _, k := range s.keys {
		secret, err := r.Wrapper.Unwrap(k.Sealed, k.place()...)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(k.Sealed)
		if err != nil || bytes.Contains(raw, secret) || bytes.Contains(k.Public, secret) {
			t.Errorf("the key for %s shows its private part (%v)", k.Purpose, err)
		}
	}
}

func TestTheCurrentKey(t *testing.T) {
	second := time.Second
	key := func(id string, active, retired time.Duration) Key {
		k := Key{ID: id, Purpose: ES256, ActiveAt: nine.Add(active)}
		if retired != 0 {
			k.RetiredAt = nine.Add(retired)
		}
		return k
	}
	tests := []struct {
		name string
		keys []Key
		want string
	}{
		{"none", nil, ""},
		{"the only one", []Key{key("1", -second, 0)}, "1"},
		{"active from this moment on", []Key{key("1", 0, 0)}, "1"},
		{"not active yet", []Key{key("1", second, 0)}, ""},
		{"the newest", []Key{key("1", -3*second, 0), key("2", -second, 0), key("3", -2*second, 0)}, "2"},
		{"published, but not active yet", []Key{key("1", -second, second), key("2", second, 0)}, "1"},
		{"at the moment of the change", []Key{key("1", -second, 0*second), key("2", 0, 0)}, "2"},
		{"a second before it retires", []Key{key("1", -3*second, second)}, "1"},
		{"retired a second ago", []Key{key("1", -3*second, -second)}, ""},
		{"the older one, since the newest is retired", []Key{key("1", -3*second, 0), key("2", -2*second, -second)}, "1"},
		{"another purpose", []Key{{ID: "1", Purpose: RS256, ActiveAt: nine}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k, err := current(test.keys, ES256, nine)
			if k.ID != test.want || (test.want == "") != errors.Is(err, ErrNoKey) {
				t.Errorf("current = %q, %v; want %q", k.ID, err, test.want)
			}
		})
	}
	t.Run("retired at this moment", func(t *testing.T) {
		k := Key{ID: "1", Purpose: ES256, ActiveAt: nine.Add(-second), RetiredAt: nine}
		if _, err := current([]Key{k}, ES256, nine); !errors.Is(err, ErrNoKey) {
			t.Errorf("current = %v, want ErrNoKey", err)
		}
	})
}

func TestRotationOfASigningKey(t *testing.T) {
	r, s, now := newRing(t)
	old, _, err := r.Signer(t.Context(), "A", ES256)
	if err != nil {
		t.Fatal(err)
	}
	change := nine.Add(time.Hour)
	fresh := generated(t, r, "A", ES256, nine, change)
	if err := s.ReplaceKey(t.Context(), fresh, change, change.Add(24*time.Hour), audit.Event{}); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name string
		at   time.Time
		want string
	}{
		{"while the new one is only published", nine.Add(time.Minute), old.ID},
		{"a moment before the change", change.Add(-1), old.ID},
		{"at the change", change, fresh.ID},
		{"later", change.Add(time.Hour), fresh.ID},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			*now = step.at
			k, signer, err := r.Signer(t.Context(), "A", ES256)
			if err != nil || k.ID != step.want {
				t.Fatalf("Signer = %s, %v; want %s", k.ID, err, step.want)
			}
			public, err := x509.MarshalPKIXPublicKey(signer.Public())
			if err != nil || !bytes.Equal(public, k.Public) {
				t.Errorf("the private part is of another key (%v)", err)
			}
			all, err := r.Keys(t.Context(), "A")
			published := func(id string) bool {
				return slices.ContainsFunc(all, func(k Key) bool { return k.ID == id })
			}
			if err != nil || !published(old.ID) || !published(fresh.ID) {
				t.Errorf("not both keys are there to be published (%v)", err)
			}
		})
	}
}

func TestRotationOfAPepper(t *testing.T) {
	r, s, now := newRing(t)
	ctx := t.Context()
	before, oldID, err := r.Secret(ctx, "A", PassPepper, "")
	if err != nil {
		t.Fatal(err)
	}
	*now = nine.Add(time.Hour)
	if err := s.ReplaceKey(ctx, generated(t, r, "A", PassPepper, *now, *now), *now, time.Time{}, audit.Event{}); err != nil {
		t.Fatal(err)
	}
	after, newID, err := r.Secret(ctx, "A", PassPepper, "")
	if err != nil || newID == oldID || bytes.Equal(before, after) {
		t.Errorf("the retired pepper is still current (%v)", err)
	}
	if again, id, err := r.Secret(ctx, "A", PassPepper, oldID); err != nil || id != oldID || !bytes.Equal(again, before) {
		t.Errorf("the retired pepper no longer opens by its id: %v", err)
	}
	other := &Ring{Store: s, Wrapper: r.Wrapper, Now: r.Now}
	if again, _, err := other.Secret(ctx, "A", PassPepper, oldID); err != nil || !bytes.Equal(again, before) {
		t.Errorf("another replica can't open the retired pepper: %v", err)
	}
}

func TestNoSuchKey(t *testing.T) {
	r, s, _ := newRing(t)
	_, own, err := r.Secret(t.Context(), "A", PassPepper, "")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, tenant, id string
		purpose          Purpose
	}{
		{"an id that never was", "A", "nonsense", PassPepper},
		{"an id of another purpose", "A", own, Derivation},
		{"an id of another tenant", "B", own, PassPepper},
		{"a tenant that never was", "C", "", PassPepper},
		{"a purpose without a key", "A", "", RS256},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if secret, _, err := r.Secret(t.Context(), test.tenant, test.purpose, test.id); !errors.Is(err, ErrNoKey) || secret != nil {
				t.Errorf("Secret = %x, %v; want ErrNoKey", secret, err)
			}
		})
	}
	t.Run("nothing to sign with", func(t *testing.T) {
		if _, signer, err := r.Signer(t.Context(), "A", RS256); !errors.Is(err, ErrNoKey) || signer != nil {
			t.Errorf("Signer = %v, %v; want ErrNoKey", signer, err)
		}
	})
	t.Run("a secret can't sign", func(t *testing.T) {
		if _, signer, err := r.Signer(t.Context(), "A", PassPepper); err == nil || signer != nil {
			t.Errorf("Signer = %v, %v; want an error", signer, err)
		}
	})
	t.Run("a key that was removed", func(t *testing.T) {
		r.Forget("A")
		s.keys = slices.DeleteFunc(s.keys, func(k Key) bool { return k.ID == own })
		if _, _, err := r.Secret(t.Context(), "A", PassPepper, own); !errors.Is(err, ErrNoKey) {
			t.Errorf("Secret = %v, want ErrNoKey", err)
		}
	})
}

// Somebody who can write to the database moves a sealed key to another row.
func TestAMovedKeyIsRefused(t *testing.T) {
	tests := []struct {
		name    string
		purpose Purpose
		move    func(*Key)
	}{
		{"to another tenant", PassPepper, func(k *Key) { k.Tenant = "C" }},
		{"to another id", PassPepper, func(k *Key) { k.ID = "another" }},
		{"to another purpose", Derivation, func(k *Key) { k.Purpose = Derivation }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, s, _ := newRing(t)
			i := slices.IndexFunc(s.keys, func(k Key) bool { return k.Tenant == "A" && k.Purpose == PassPepper })
			moved := s.keys[i]
			test.move(&moved)
			s.keys = []Key{moved}
			if secret, _, err := r.Secret(t.Context(), moved.Tenant, test.purpose, ""); !errors.Is(err, ErrMasterKeyWrong) || secret != nil {
				t.Errorf("Secret = %x, %v; want ErrMasterKeyWrong", secret, err)
			}
			if mac, err := r.MAC(t.Context(), moved.Tenant, "label", nil); err == nil {
				t.Errorf("MAC = %s, want an error", mac)
			}
		})
	}
	t.Run("a signing key", func(t *testing.T) {
		r, s, _ := newRing(t)
		i := slices.IndexFunc(s.keys, func(k Key) bool { return k.Tenant == "A" && k.Purpose == ES256 })
		s.keys[i].Tenant, s.keys[i].ActiveAt = "C", nine
		if _, signer, err := r.Signer(t.Context(), "C", ES256); !errors.Is(err, ErrMasterKeyWrong) || signer != nil {
			t.Errorf("Signer = %v, %v; want ErrMasterKeyWrong", signer, err)
		}
	})
}

func TestTheWrongMasterKeyOpensNothing(t *testing.T) {
	r, _, _ := newRing(t)
	r.Wrapper = load(t, "", keyB)
	if _, _, err := r.Secret(t.Context(), "A", PassPepper, ""); !errors.Is(err, ErrMasterKeyWrong) {
		t.Errorf("Secret = %v, want ErrMasterKeyWrong", err)
	}
	if _, _, err := r.Signer(t.Context(), "A", ES256); !errors.Is(err, ErrMasterKeyWrong) {
		t.Errorf("Signer = %v, want ErrMasterKeyWrong", err)
	}
	if _, err := r.Derive(t.Context(), "A", "label"); !errors.Is(err, ErrMasterKeyWrong) {
		t.Errorf("Derive = %v, want ErrMasterKeyWrong", err)
	}
}

func TestDerivedSecretsAreOfOneTenantAndLabel(t *testing.T) {
	r, s, _ := newRing(t)
	// The same root in both tenants: as after a copy by somebody who holds the master key.
	root, _, err := r.Secret(t.Context(), "A", Derivation, "")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.keys, func(k Key) bool { return k.Tenant == "B" && k.Purpose == Derivation })
	if s.keys[i].Sealed, err = r.Wrapper.Wrap(root, s.keys[i].place()...); err != nil {
		t.Fatal(err)
	}
	replica := &Ring{Store: s, Wrapper: r.Wrapper, Now: r.Now}
	mac := func(r *Ring, tenant, label, message string) string {
		t.Helper()
		m, err := r.MAC(t.Context(), tenant, label, []byte(message))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := mac(r, "A", "session", "secret")
	tests := []struct {
		name  string
		mac   string
		equal bool
	}{
		{"the same again", mac(r, "A", "session", "secret"), true},
		{"on another replica", mac(replica, "A", "session", "secret"), true},
		{"of another message", mac(r, "A", "session", "secret2"), false},
		{"for another label", mac(r, "A", "session2", "secret"), false},
		{"for a label that ends in the message", mac(r, "A", "sessionsecret", ""), false},
		{"for no label", mac(r, "A", "", "secret"), false},
		{"of another tenant with the same root", mac(r, "B", "session", "secret"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if (test.mac == first) != test.equal {
				t.Errorf("it is %s and the first was %s", test.mac, first)
			}
		})
	}
	t.Run("MAC is HMAC-SHA-256 under the derived key, in base64url", func(t *testing.T) {
		key, err := r.Derive(t.Context(), "A", "session")
		if err != nil || len(key) != 32 || bytes.Equal(key, root) {
			t.Fatalf("Derive = %d bytes, %v; want 32, and not the root", len(key), err)
		}
		h := hmac.New(sha256.New, key)
		h.Write([]byte("secret"))
		if got, err := base64.RawURLEncoding.DecodeString(first); err != nil || !hmac.Equal(got, h.Sum(nil)) {
			t.Errorf("MAC = %s, %v", first, err)
		}
	})
}

func TestSharedMACsAreNoTenantsOwn(t *testing.T) {
	r, s, _ := newRing(t)
	shared, err := r.SharedMAC(t.Context(), "label", []byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []string{"A", "B"} {
		own, err := r.MAC(t.Context(), tenant, "label", []byte("message"))
		if err != nil || own == shared {
			t.Errorf("tenant %s has the same: %s, %v", tenant, own, err)
		}
	}
	replica := &Ring{Store: s, Wrapper: r.Wrapper, Now: r.Now}
	if again, err := replica.SharedMAC(t.Context(), "label", []byte("message")); err != nil || again != shared {
		t.Errorf("another replica says %s, %v; want %s", again, err, shared)
	}
	s.keys = nil
	empty := &Ring{Store: s, Wrapper: r.Wrapper, Now: r.Now}
	if mac, err := empty.SharedMAC(t.Context(), "label", nil); err == nil {
		t.Errorf("without a tenant it is %s, want an error", mac)
	}
}

func TestWhatTheRingRemembers(t *testing.T) {
	r, s, now := newRing(t)
	keys := func() {
		t.Helper()
		if _, err := r.Keys(t.Context(), "A"); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		name  string
		do    func()
		reads int
	}{
		{"the first use reads the store", func() {}, 1},
		{"the next doesn't", func() {}, 0},
		{"a moment before 30 s", func() { *now = now.Add(remembered - 1) }, 0},
		{"after 30 s", func() { *now = now.Add(1) }, 1},
		{"when the clock went back", func() { *now = now.Add(-time.Second) }, 1},
		{"once told to forget", func() { r.Forget("A") }, 1},
		{"when another tenant is forgotten", func() { r.Forget("B") }, 0},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			before := s.reads
			step.do()
			keys()
			if got := s.reads - before; got != step.reads {
				t.Errorf("it read the store %d times, want %d", got, step.reads)
			}
		})
	}
}

func TestAnOutageOfTheStore(t *testing.T) {
	r, s, now := newRing(t)
	if _, _, err := r.Secret(t.Context(), "A", PassPepper, ""); err != nil {
		t.Fatal(err)
	}
	s.err = errors.New("database is gone")
	if _, _, err := r.Secret(t.Context(), "A", PassPepper, ""); err != nil {
		t.Errorf("what is remembered is not used: %v", err)
	}
	*now = now.Add(remembered)
	if secret, _, err := r.Secret(t.Context(), "A", PassPepper, ""); !errors.Is(err, s.err) || secret != nil {
		t.Errorf("Secret = %x, %v; want the store's error", secret, err)
	}
	s.err = nil
	if _, _, err := r.Secret(t.Context(), "A", PassPepper, ""); err != nil {
		t.Errorf("the outage is remembered: %v", err)
	}
}

// A read that began before a rotation ends after it. What it found must not outlive Forget.
func TestForgetDuringARead(t *testing.T) {
	r, s, _ := newRing(t)
	fresh := generated(t, r, "A", PassPepper, nine, nine)
	s.read = func() {
		s.read = nil
		if err := s.ReplaceKey(t.Context(), fresh, nine, nine, audit.Event{}); err != nil {
			t.Fatal(err)
		}
		r.Forget("A")
	}
	if _, err := r.Keys(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	if _, id, err := r.Secret(t.Context(), "A", PassPepper, ""); err != nil || id != fresh.ID {
		t.Errorf("Secret = %s, %v; want the new one, %s", id, err, fresh.ID)
	}
}

// For the race detector: everything at once, while keys rotate and time goes on.
func TestTheRingIsSafeForConcurrentUse(t *testing.T) {
	r, s, _ := newRing(t)
	var seconds atomic.Int64
	r.Now = func() time.Time { return nine.Add(time.Duration(seconds.Load()) * time.Second) }
	ctx := t.Context()
	_, pepper, err := r.Secret(ctx, "A", PassPepper, "")
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.MAC(ctx, "A", "label", []byte("message"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if got, err := r.MAC(ctx, "A", "label", []byte("message")); err != nil || got != want {
					t.Errorf("MAC = %s, %v; want %s", got, err, want)
				}
				if _, _, err := r.Secret(ctx, "A", PassPepper, pepper); err != nil {
					t.Errorf("Secret = %v", err)
				}
				k, signer, err := r.Signer(ctx, "A", ES256)
				if err != nil {
					t.Errorf("Signer = %v", err)
					continue
				}
				if public, err := x509.MarshalPKIXPublicKey(signer.Public()); err != nil || !bytes.Equal(public, k.Public) {
					t.Errorf("the private part of %s is of another key (%v)", k.ID, err)
				}
				if _, _, err := r.Signer(ctx, "B", Checkpoint); err != nil {
					t.Errorf("Signer = %v", err)
				}
			}
		})
	}
	all.Go(func() {
		for range 20 {
			now := r.Now()
			for _, purpose := range []Purpose{ES256, PassPepper} {
				fresh, err := Generate(r.Wrapper, "A", purpose, now, now)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.ReplaceKey(ctx, fresh, now.Add(time.Hour), time.Time{}, audit.Event{}); err != nil {
					t.Error(err)
				}
			}
			seconds.Add(20)
			r.Forget("A")
		}
	})
	all.Wait()
}
