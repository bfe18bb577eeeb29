package app

// IgnoreLease gives the instance a lease of its own, so that it leads whoever else
// does.
func (a *App) IgnoreLease() { a.leaseKey = "leader." + a.set.InstanceID }
