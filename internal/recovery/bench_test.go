package recovery_test

import (
	"testing"

	"github.com/postern-id/postern/internal/recovery"
)

// BenchmarkReadiness is the whole answer about one person who has much: four methods and two devices.
func BenchmarkReadiness(b *testing.B) {
	f := wellEquipped()
	b.ReportAllocs()
	for b.Loop() {
		recovery.Readiness(f, nine)
	}
}

// BenchmarkStand is what the roster asks for everybody.
func BenchmarkStand(b *testing.B) {
	f := wellEquipped()
	b.ReportAllocs()
	for b.Loop() {
		recovery.Stand(f, nine)
	}
}

func wellEquipped() recovery.Facts {
	return recovery.Facts{
		Enabled: true, Methods: []recovery.Method{phone, key, inLaptop, password}, Devices: []recovery.Device{laptop, laptop}, Pass: passes,
		Offered: []recovery.Remedy{recovery.AddSecurityKey, recovery.AddPhone, recovery.AddPIN},
	}
}
