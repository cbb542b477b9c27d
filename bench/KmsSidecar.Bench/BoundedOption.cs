using System.CommandLine;

namespace KmsSidecar.Bench;

/// <summary>An option whose value lies within bounds.</summary>
internal static class BoundedOption
{
    public static Option<T> Create<T>(string name, string description, T preset, T min, T max)
        where T : struct, IComparable<T>
    {
        Option<T> option = new(name)
        {
            Description = $"{description} {min} to {max}.",
            DefaultValueFactory = _ => preset,
        };
        option.Validators.Add(result =>
        {
            T value = result.GetValueOrDefault<T>();
            if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0)
            {
                result.AddError($"{name} must be {min} to {max}");
            }
        });
        return option;
    }
}
