package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/postern-id/postern/internal/method/passkey/passkeytest"
	"github.com/postern-id/postern/test/live"
)

// A sign-in with a passkey costs this much of what is measured beside it: an id token and an
// access token are signed, and at least five transactions wait for the disk, one after the
// other (transaction, proof, session, code, tokens).
const (
	signaturesEach = 2
	commitsEach    = 5
)

// measurePasskeys measures whole sign-ins with a passkey: from an application's request over
// the page of the name, the answer of the authenticator and the last question to code and
// tokens, each in a browser without cookies.
func (b *bench) measurePasskeys(ctx context.Context) error {
	const people = 32
	h, err := live.Init(ctx, b.program, filepath.Join(b.dir, "passkeys"), "")
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
	keys := make([]*passkeytest.Authenticator, people)
	for i := range keys {
		id, err := g.CreateUser(ctx, server.URL, nick(i))
		if err != nil {
			return err
		}
		if keys[i], err = g.MakePasskey(ctx, server.URL, id); err != nil {
			return err
		}
	}
	signing, err := b.rs256(ctx)
	if err != nil {
		return err
	}
	commit, err := b.groupCommit(ctx, people)
	if err != nil {
		return err
	}
	rate, err := drive(ctx, people, b.span, func(ctx context.Context, w int) error {
		code, err := h.NewBrowser(fmt.Sprintf("192.0.2.%d", w+1)).SignInByPasskey(ctx, server.URL, keys[w])
		if err != nil {
			return err
		}
		_, err = h.Redeem(ctx, server.URL, code)
		return err
	})
	if err != nil {
		return err
	}
	limit, of := signing/signaturesEach, "RS256 signing of two tokens"
	if per := commit / commitsEach; per < limit {
		limit, of = per, "five durable group commits"
	}
	b.limit("RS256 signatures, bare", signing)
	b.limit(fmt.Sprintf("durable group commit, bare, %d writers", people), commit)
	b.rate("sign-ins with a passkey, from request to tokens", rate, of, limit, 0.5)
	return nil
}
