package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/postern-id/postern/internal/recovery"
	"github.com/postern-id/postern/internal/signin"
	"github.com/postern-id/postern/test/live"
)

// withDevices are people in a group of whom half have a passkey.
var withDevices = withHistory[:4:4]

const (
	mostSweep   = time.Minute
	mostOne     = time.Millisecond
	sweepEvery  = 200 * time.Millisecond
	summaryPath = "/v1.0/reports/recoveryReadiness/summary"
	passPolicy  = "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass"
)

// measureReadiness measures the readiness of one person, and lets the server find out how everybody gets back
// in: the first time, and again after a policy changed.
func (b *bench) measureReadiness(ctx context.Context) error {
	b.measureOne()
	h, err := live.Init(ctx, b.program, filepath.Join(b.dir, "readiness"), "")
	if err != nil {
		return err
	}
	o := &office{house: h}
	if o.serve, err = h.Start(ctx); err != nil {
		return err
	}
	defer func() { _ = o.serve.Kill() }()
	if err := o.prepare(ctx); err != nil {
		return err
	}
	if err := o.serve.Stop(); err != nil {
		return err
	}
	if err := multiply(ctx, filepath.Join(h.Dir, "postern.db"), b.users, withDevices); err != nil {
		return err
	}
	if o.serve, err = h.Start(ctx); err != nil {
		return err
	}
	g, err := h.Graph(ctx, o.serve.URL)
	if err != nil {
		return err
	}
	// The sweep of the server began before there was anything to count: two changes make two whole ones.
	for i, name := range []string{"the first time", "again, after a policy changed"} {
		body := fmt.Sprintf(`{"state":"enabled","defaultLength":%d}`, 12+i)
		begin := time.Now()
		status, err := g.Do(ctx, o.serve.URL, http.MethodPatch, passPolicy, body, nil)
		if err == nil && status != http.StatusNoContent {
			err = fmt.Errorf("change the policy: %d", status)
		}
		if err != nil {
			return err
		}
		took, err := sweptAfter(ctx, g, o.serve.URL, begin, b.users)
		if err != nil {
			return err
		}
		memory, err := resident(o.serve.PID)
		if err != nil {
			return err
		}
		b.bound(fmt.Sprintf("readiness of %d people, %s", b.users, name), took.Round(100*time.Millisecond).String(), mostSweep.String(), float64(took)/float64(mostSweep), 1)
		b.bound("resident memory after it", fmt.Sprintf("%d MiB", memory>>10), "300 MiB", float64(memory>>10)/300, 1)
	}
	return nil
}

// measureOne measures the whole answer about one person who has a method of each kind and two devices.
func (b *bench) measureOne() {
	now := time.Now()
	f := recovery.Facts{
		Enabled: true, Pass: recovery.Pass{Issuable: true, Browser: true, LockScreen: true},
		Offered: []recovery.Remedy{recovery.AddSecurityKey, recovery.AddPhone, recovery.AddPIN},
		Devices: []recovery.Device{{PIN: true, TPM: true, WebSignIn: true, PINOffline: true, OfflineDays: 30, SeenAt: now}, {SeenAt: now}},
	}
	for _, place := range []recovery.Place{recovery.InMind, recovery.OnPhone, recovery.OnDevice, recovery.Apart, recovery.Synced, recovery.Elsewhere} {
		factors := signin.Knowledge | signin.Possession
		if place == recovery.InMind {
			factors = signin.Knowledge
		}
		f.Methods = append(f.Methods, recovery.Method{Place: place, App: place == recovery.OnPhone, Now: signin.Yield{Factors: factors}, Browser: true, LockScreen: true})
	}
	var took []time.Duration
	for range 10_001 {
		begin := time.Now()
		recovery.Readiness(f, now)
		took = append(took, time.Since(begin))
	}
	middle := median(took)
	b.bound("readiness of one person, median", middle.Round(100*time.Nanosecond).String(), mostOne.String(), float64(middle)/float64(mostOne), 1)
}

// sweptAfter waits until a whole round began after a moment, and returns how long that took.
func sweptAfter(ctx context.Context, g *live.Graph, url string, begin time.Time, people int) (time.Duration, error) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		var got struct {
			AsOf      time.Time `json:"asOfDateTime"`
			Complete  bool      `json:"isComplete"`
			Everybody struct{ Total int }
		}
		if _, err := g.Do(ctx, url, http.MethodGet, summaryPath, "", &got); err != nil {
			return 0, err
		}
		if got.Complete && got.AsOf.After(begin) {
			if got.Everybody.Total < people {
				return 0, fmt.Errorf("%d people of %d stand somewhere", got.Everybody.Total, people)
			}
			return time.Since(begin), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
	}
}
