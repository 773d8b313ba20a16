package audit_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/postern-id/postern/internal/audit"
)

// verifyRemote verifies l as somebody does who only gets pages of it.
func (l *log) verifyRemote(t *testing.T, witness ...[]byte) (audit.Report, error) {
	t.Helper()
	o := l.options(witness...)
	r := &audit.Remote{Fetch: func(ctx context.Context, from int64) ([]byte, error) {
		var page bytes.Buffer
		err := audit.WriteRemotePage(ctx, l.memory, contoso, o.Keys, from, &page)
		return page.Bytes(), err
	}}
	tenant, keys, err := r.About(t.Context())
	if err != nil {
		return audit.Report{}, err
	}
	if tenant != contoso || len(keys) != len(o.Keys) || !bytes.Equal(keys[0], o.Keys[0]) {
		t.Errorf("the log is of %s with %d keys", tenant, len(keys))
	}
	return audit.Verify(t.Context(), r, o)
}

func TestALogIsVerifiedFromElsewhereAsBesideIt(t *testing.T) {
	l := newSealedLog(t)
	for _, n := range []int{1000, 24, 1000, 3} { // pages end within batches
		l.batch(t, n)
	}
	here, err := l.verify(t)
	if err != nil {
		t.Fatal(err)
	}
	there, err := l.verifyRemote(t)
	if err != nil || there != here {
		t.Errorf("there %+v, %v; here %+v", there, err, here)
	}
}

func TestWhatWasTamperedWithIsSeenFromElsewhere(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			l := newSealedLog(t)
			witness := l.lastNote()
			a.tamper(t, l)
			// What is not shown can't be seen: hashes inside the tree, which are computed from the
			// entries, and what lies after the head.
			_, err := l.verifyRemote(t, witness)
			hidden := strings.Contains(a.name, "inside the tree") || a.name == "an entry put after the head"
			if (err == nil) != hidden {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAPageOfNonsenseIsNoLog(t *testing.T) {
	for _, page := range []string{"", "{}", "[]\n", `{"tenantId":"` + contoso + `","size":-1}`, `{"tenantId":"` + contoso + `","size":1,"root":"","keys":["x"]}`} {
		r := &audit.Remote{Fetch: func(context.Context, int64) ([]byte, error) { return []byte(page), nil }}
		_, keys, err := r.About(t.Context())
		if err == nil {
			_, err = audit.Verify(t.Context(), r, audit.Options{Tenant: contoso, Keys: keys})
		}
		if err == nil {
			t.Errorf("%s is a log", page)
		}
	}
}
