return await Dmt.Silo.SiloProgram.RunAsync(args);
