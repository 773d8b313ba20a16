package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/test/live"
)

// measureStart measures how soon a server serves, and what memory it holds when nobody comes.
func (b *bench) measureStart(ctx context.Context) error {
	var fresh, again []time.Duration
	var idle int
	for i := range b.rounds {
		begin := time.Now()
		h, err := live.Init(ctx, b.program, filepath.Join(b.dir, fmt.Sprintf("start%d", i)), "")
		if err != nil {
			return err
		}
		first, err := h.Start(ctx)
		if err != nil {
			return err
		}
		fresh = append(fresh, time.Since(begin))
		if err := first.Kill(); err != nil {
			return err
		}
		second, err := h.Start(ctx)
		if err != nil {
			return err
		}
		again = append(again, second.Ready)
		if i == b.rounds-1 {
			wait(ctx, b.span)
			if idle, err = resident(second.PID); err != nil {
				return err
			}
		}
		if err := second.Kill(); err != nil {
			return err
		}
	}
	b.duration("ready, existing store", median(again), 50*time.Millisecond)
	b.duration("ready, empty folder (init, then serve)", median(fresh), 250*time.Millisecond)
	b.bound("resident memory, idle", fmt.Sprintf("%.1f MiB", float64(idle)/1024), "50 MiB", float64(idle)/(50*1024), 1)
	return nil
}

func (b *bench) duration(name string, took, most time.Duration) {
	b.bound(name, took.Round(100*time.Microsecond).String(), most.String(), float64(took)/float64(most), 1)
}

// resident returns the resident memory of a process in KiB.
func resident(pid int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("no VmRSS in %q", text)
	}
	return strconv.Atoi(fields[0])
}
