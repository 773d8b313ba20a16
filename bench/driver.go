package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// drive lets workers call do again and again for a while, after a fifth of it to warm up,
// and returns how many calls a second succeeded. The first error ends it.
func drive(ctx context.Context, workers int, span time.Duration, do func(ctx context.Context, worker int) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var done atomic.Int64
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := do(ctx, w); err != nil {
					if ctx.Err() == nil {
						cancel(fmt.Errorf("worker %d: %w", w, err))
					}
					return
				}
				done.Add(1)
			}
		})
	}
	wait(ctx, span/5)
	before, begin := done.Load(), time.Now()
	wait(ctx, span)
	n, took := done.Load()-before, time.Since(begin)
	if err := context.Cause(ctx); err != nil {
		all.Wait()
		return 0, err
	}
	cancel(nil)
	all.Wait()
	return float64(n) / took.Seconds(), nil
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// request sends one request and reads its answer, which must have the status 200.
func request(ctx context.Context, client *http.Client, address string, form url.Values) error {
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d\n%s", address, res.StatusCode, text)
	}
	return err
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
