package scim

import (
	"fmt"
	"testing"
	"time"
)

func TestATenantsPagesMakeNoOtherTenantWalk(t *testing.T) {
	nine := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	var c courses
	at := func(n int) time.Time { return nine.Add(time.Duration(n) * time.Millisecond) }
	c.remember("quiet\x00users\x00", mark{101, []any{"a"}}, nine)
	for n := range 10 * maxCourses { // one tenant asks for one list after the other
		c.remember(fmt.Sprintf("loud\x00users\x00%d", n), mark{101, []any{"a"}}, at(n))
	}
	if len(c.all) != maxOfOne+1 {
		t.Errorf("%d lists are remembered", len(c.all))
	}
	for tenant := range 3 * maxCourses / maxOfOne { // several do so together
		for n := range maxOfOne {
			c.remember(fmt.Sprintf("loud %d\x00users\x00%d", tenant, n), mark{101, []any{"a"}}, at(10*maxCourses+n))
		}
	}
	if len(c.all) != maxCourses {
		t.Errorf("%d lists are remembered of all tenants", len(c.all))
	}
	if m := c.nearest("quiet\x00users\x00", 101, at(20*maxCourses)); m.start != 101 {
		t.Errorf("the quiet tenant walks from %d", m.start)
	}
	for n := range 2 * maxCourses { // more tenants than there is room for
		c.remember(fmt.Sprintf("small %d\x00users\x00", n), mark{101, []any{"a"}}, at(30*maxCourses+n))
	}
	if len(c.all) != maxCourses {
		t.Errorf("%d lists are remembered of many small tenants", len(c.all))
	}
	if m := c.nearest(fmt.Sprintf("small %d\x00users\x00", maxCourses+1), 101, at(40*maxCourses)); m.start != 101 {
		t.Error("of many small tenants another one is forgotten than whose list was used first")
	}
}
