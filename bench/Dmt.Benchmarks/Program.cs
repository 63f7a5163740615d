using BenchmarkDotNet.Running;
using Dmt.Benchmarks;

if (args is ["quick", .. var rest])
{
    QuickRun.Run(rest);
}
else
{
    BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
}
