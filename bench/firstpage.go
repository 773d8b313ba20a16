package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"github.com/postern-id/postern/test/live"
)

var loaded = regexp.MustCompile(`"(/assets/[^"#]+)`)

// measureFirstPage measures what a person waits for: the page that asks for the name or a
// passkey, from the application's request on, and all that it loads, as it is sent.
func (b *bench) measureFirstPage(ctx context.Context) error {
	h, err := live.Init(ctx, b.program, filepath.Join(b.dir, "firstpage"), "")
	if err != nil {
		return err
	}
	server, err := h.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = server.Kill() }()
	var took []time.Duration
	var weight int
	for range b.rounds {
		weight = 0
		browser := h.NewBrowser("192.0.2.1")
		begin := time.Now()
		page, err := browser.Begin(ctx, server.URL)
		if err != nil {
			return err
		}
		shown, err := browser.Get(ctx, server.URL, page)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		weight += len(shown.Body)
		for _, m := range loaded.FindAllStringSubmatch(shown.Body, -1) {
			if seen[m[1]] {
				continue
			}
			seen[m[1]] = true
			asset, err := browser.Get(ctx, server.URL, m[1])
			if err != nil {
				return err
			}
			weight += len(asset.Body)
		}
		took = append(took, time.Since(begin))
	}
	const mostTime, mostWeight = 100 * time.Millisecond, 60_000
	m := median(took)
	b.bound("first page of a sign-in, with all that it loads", fmt.Sprintf("%.0f ms", float64(m)/1e6), "100 ms", float64(m)/float64(mostTime), 1)
	b.bound("its weight, not compressed", fmt.Sprintf("%.0f kB", float64(weight)/1e3), "60 kB", float64(weight)/mostWeight, 1)
	return nil
}
