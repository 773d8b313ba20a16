// Package devicepolicy owns what a device is told to do: the catalog of settings, policies
// that set them, whom they are assigned to, and [Resolve], which makes of many policies one
// effective value a setting, with its source and the reason.
//
// Settings have the names of Windows' configuration service providers, so that what
// administrators know from Intune carries over; the ones that Windows lacks live below
// ./Device/Vendor/Postern. docs/device-policy.md lists them with their sources. The package
// knows no HTTP and no SQL, and no device: the agent asks [Effective] what holds.
package devicepolicy
