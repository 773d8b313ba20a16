package peer

import "testing"

func TestNobodyTakesTheLastPlacesFromRoot(t *testing.T) {
	l := Limiter{Each: 4, Others: 64, Root: 8}
	held := 0
	for uid := uint32(1000); uid < 1100; uid++ {
		for range 10 {
			if l.Enter(uid) {
				held++
			}
		}
	}
	if held != 64 {
		t.Errorf("others hold %d places, want 64", held)
	}
	for i := range 9 {
		if got, want := l.Enter(0), i < 8; got != want {
			t.Errorf("root's connection %d: %v", i+1, got)
		}
	}
	l.Leave(1000)
	if l.Enter(1001) || !l.Enter(1000) {
		t.Error("one user took another's place")
	}
}
