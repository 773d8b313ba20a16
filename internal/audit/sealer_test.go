package audit_test

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/postern-id/postern/internal/audit"
)

func TestRunSealsEveryTenantWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			l.sealer.Run(ctx)
		}()
		time.Sleep(100 * time.Millisecond)
		for n, tenant := range []string{contoso, fabrikam, contoso} {
			l.append(t, change(tenant, n))
		}
		time.Sleep(time.Second - time.Nanosecond)
		synctest.Wait()
		for tenant, want := range map[string]int64{contoso: 2, fabrikam: 1} {
			if h, err := l.Head(ctx, tenant); err != nil || h.Size != want {
				t.Errorf("after a second, %d entries of %s are sealed, want %d; %v", h.Size, tenant, want, err)
			}
		}
		cancel()
		<-done
	})
}

func TestOneTenantsFailureStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t)
		var out bytes.Buffer
		key := l.sealer.Key
		l.sealer.Log = slog.New(slog.NewTextHandler(&out, nil))
		l.sealer.Key = func(ctx context.Context, tenant string) (crypto.Signer, error) {
			if tenant == fabrikam {
				return nil, errors.New("no key")
			}
			return key(ctx, tenant)
		}
		l.append(t, change(contoso, 1))
		l.append(t, change(fabrikam, 2))
		ctx, cancel := context.WithCancel(t.Context())
		go l.sealer.Run(ctx)
		synctest.Wait()
		cancel()
		synctest.Wait()
		if l.state().head.Size != 1 || l.log(fabrikam).head.Size != 0 {
			t.Error("the good log was not sealed, or the bad one was")
		}
		if !strings.Contains(out.String(), "no key") {
			t.Errorf("the operator's log says %q", out.String())
		}
	})
}

func TestTheSealerDoesNotBuildOnATreeThatWasChanged(t *testing.T) {
	l := newSealedLog(t)
	l.state().hashes[tlog.StoredHashIndex(3, 0)][0] ^= 1
	l.append(t, change(contoso, 99))
	if n, err := l.sealer.SealOnce(t.Context(), contoso); n != 0 || !errors.Is(err, audit.ErrTampered) {
		t.Fatalf("SealOnce = %d, %v; want ErrTampered", n, err)
	}
}

func TestTheSealerRefusesAnotherTenantsEntry(t *testing.T) {
	l := newSealedLog(t)
	l.state().queue = append(l.state().queue, mustSeal(t, change(fabrikam, 99)))
	if n, err := l.sealer.SealOnce(t.Context(), contoso); n != 0 || !errors.Is(err, audit.ErrTampered) {
		t.Fatalf("SealOnce = %d, %v; want ErrTampered", n, err)
	}
}

// overtaken is a store in which another sealer seals right after this one read its entries.
type overtaken struct {
	*log
	t *testing.T
}

func (o overtaken) Unsealed(ctx context.Context, tenant string, limit int) ([]audit.Entry, error) {
	entries, err := o.log.Unsealed(ctx, tenant, limit)
	o.seal(o.t)
	return entries, err
}

func TestASealerThatWasOvertakenChangesNothing(t *testing.T) {
	l := newSealedLog(t)
	l.append(t, change(contoso, 99))
	late := *l.sealer
	late.Store = overtaken{l, t}
	if n, err := late.SealOnce(t.Context(), contoso); n != 0 || !errors.Is(err, audit.ErrStale) {
		t.Fatalf("SealOnce = %d, %v; want ErrStale", n, err)
	}
	if r, err := l.verify(t); err != nil || r.Head.Size != 14 {
		t.Fatalf("Verify = %+v, %v", r, err)
	}
}

func TestAnEpochBeginsOnlyWithTheEntryThatSaysSo(t *testing.T) {
	l := newSealedLog(t)
	last := string(l.lastNote())
	for name, mark := range map[string]*audit.LogMark{
		"no mark":            nil,
		"the same epoch":     {Epoch: 1, LastCheckpoint: last},
		"a skipped epoch":    {Epoch: 3, LastCheckpoint: last},
		"no checkpoint":      {Epoch: 2},
		"an old checkpoint":  {Epoch: 2, LastCheckpoint: string(l.state().checkpoints[0].Note)},
		"not a checkpoint":   {Epoch: 2, LastCheckpoint: "hello"},
		"only pruned before": {PrunedBefore: 3},
	} {
		e := change(contoso, 99)
		e.Change.Log = mark
		if err := l.sealer.BeginEpoch(t.Context(), mustSeal(t, e)); err == nil {
			t.Errorf("%s: BeginEpoch took it", name)
		}
	}
	if _, err := l.verify(t); err != nil || l.state().head.Size != 13 {
		t.Fatalf("the log changed: %v", err)
	}
}
