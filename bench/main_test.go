package main

import (
	"io"
	"strings"
	"testing"
)

func TestABenchThatMissesAGoalFails(t *testing.T) {
	tests := []struct {
		name string
		add  func(*bench)
		want string // missed; empty when none is
	}{
		{"a bound is kept to the dot", func(b *bench) { b.bound("sweep", "60s", "60s", 1, 1) }, ""},
		{"a bound is exceeded", func(b *bench) { b.bound("sweep", "61s", "60s", 1.01, 1) }, "sweep"},
		{"a rate is reached", func(b *bench) { b.rate("tokens", 50, "signing", 100, 0.5) }, ""},
		{"a rate is too low", func(b *bench) { b.rate("tokens", 49, "signing", 100, 0.5) }, "tokens"},
		{"a limit has no goal", func(b *bench) { b.limit("signing", 0) }, ""},
		{"one of which it is known", func(b *bench) { b.rate("tokens", 1, "signing", 100, 0.5); b.rows[0].known = true }, ""},
		{"one of several", func(b *bench) { b.bound("start", "1s", "2s", 0.5, 1); b.bound("sweep", "3s", "2s", 1.5, 1) }, "sweep"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := &bench{out: io.Discard}
			test.add(b)
			err := b.print()
			if (err == nil) != (test.want == "") || err != nil && !strings.HasSuffix(err.Error(), ": "+test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
