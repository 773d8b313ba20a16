package gate

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// What a sign-in pays for the gate when nobody waits; a slow hash takes 20,000,000 ns.
func BenchmarkEnter(b *testing.B) {
	g := New(Config{})
	c := who("A1x")
	b.ReportAllocs()
	for b.Loop() {
		leave, err := g.Enter(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		leave()
	}
}

// The same with 64 callers a core from 16 networks, who have to wait for each other.
func BenchmarkEnterInACrowd(b *testing.B) {
	g := New(Config{Slots: 2, Queue: 10_000})
	var n atomic.Int64
	b.SetParallelism(64)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		i := n.Add(1)
		c := Class{Tenant: fmt.Sprint(i % 4), Network: fmt.Sprint(i % 16), Familiar: i%3 == 0}
		for pb.Next() {
			leave, err := g.Enter(b.Context(), c)
			if err != nil {
				b.Error(err)
				return
			}
			leave()
		}
	})
}

// What a flood from ever new networks costs for each caller who is sent away, while as many
// as possible wait: the longest search there is.
func BenchmarkRefuseInAFlood(b *testing.B) {
	g := New(Config{Slots: 8})
	for i := range g.config.Queue {
		g.strangers.add(&waiter{class: manyNetworks(i), turn: make(chan error, 1)})
	}
	c := Class{Tenant: "A", Network: "new"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Enter(b.Context(), c); err == nil {
			b.Fatal("entered a full line")
		}
	}
}
