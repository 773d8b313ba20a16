package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/postern-id/postern/test/live"
)

// measureSignIns measures whole sign-ins: from an application's request over name, pass and
// the last question to the code, each in a browser without cookies.
func (b *bench) measureSignIns(ctx context.Context) error {
	const people = 16
	h, err := live.Init(ctx, b.program, filepath.Join(b.dir, "signins"), "")
	if err != nil {
		return err
	}
	server, err := h.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = server.Kill() }()
	g, err := h.Graph(ctx, server.URL)
	if err != nil {
		return err
	}
	passes := make([]string, people)
	for i := range passes {
		id, err := g.CreateUser(ctx, server.URL, nick(i))
		if err != nil {
			return err
		}
		p, err := g.Issue(ctx, server.URL, id, `{}`)
		if err != nil {
			return err
		}
		passes[i] = p.Pass
	}
	hashes, err := b.argon2id(ctx)
	if err != nil {
		return err
	}
	rate, err := drive(ctx, people, b.span, func(ctx context.Context, w int) error {
		_, err := h.NewBrowser(fmt.Sprintf("192.0.2.%d", w+1)).SignIn(ctx, server.URL, live.Name(nick(w)), passes[w])
		return err
	})
	if err != nil {
		return err
	}
	b.limit("Argon2id, bare", hashes)
	b.rate("sign-ins with a pass, from request to code", rate, "Argon2id", hashes, 0.7)
	return nil
}

func nick(i int) string { return fmt.Sprintf("person%d", i) }
